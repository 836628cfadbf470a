package cloudwatch

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/klauspost/compress/gzip"
)

// withGzip compresses the bodies of PutLogEvents. The service takes
// Content-Encoding: gzip, as Amazon's own agents send it; the SDK does not do
// it by itself. The step is Build, before the payload is hashed and signed in
// Finalize, so the hash covers an eighth of the bytes.
func withGzip(on bool) func(*cloudwatchlogs.Options) {
	return func(o *cloudwatchlogs.Options) {
		if !on {
			return
		}
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Build.Add(middleware.BuildMiddlewareFunc("tlskeeperGzip", gzipBody), middleware.Before)
		})
	}
}

func gzipBody(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (
	middleware.BuildOutput, middleware.Metadata, error,
) {
	req, ok := in.Request.(*smithyhttp.Request)
	if !ok || middleware.GetOperationName(ctx) != "PutLogEvents" {
		return next.HandleBuild(ctx, in)
	}
	packed, err := pack(req.GetStream())
	if err == nil {
		req, err = req.SetStream(bytes.NewReader(packed))
	}
	if err != nil {
		return middleware.BuildOutput{}, middleware.Metadata{}, fmt.Errorf("compressing the request: %w", err)
	}
	req.Header.Set("Content-Encoding", "gzip")
	in.Request = req
	return next.HandleBuild(ctx, in)
}

func pack(body io.Reader) ([]byte, error) {
	var packed bytes.Buffer
	zw, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(zw, body); err != nil {
		return nil, err
	}
	if err := zw.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}
