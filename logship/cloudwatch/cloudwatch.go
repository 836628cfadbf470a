// Package cloudwatch sends lines to one stream of CloudWatch Logs, within the
// contract of PutLogEvents, and reads back what nobody answered for. It is the one
// room that links the AWS SDK: no type of that leaves it.
//
// It imports logship/accesslog, logship/store and internal/hint.
package cloudwatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"tlskeeper/internal/hint"
	"tlskeeper/internal/safepath"
	"tlskeeper/logship/accesslog"
)

// callTimeout bounds one call to AWS where the configuration does not: 1 MiB over
// a slow line, and the answer.
const callTimeout = 30 * time.Second

// Config says where lines are sent and what of them.
type Config struct {
	Group    string // log group, required; made when it is missing
	Stream   string // log stream, required; made when it is missing
	Region   string // empty: AWS_REGION or the profile's
	Endpoint string // URL in place of the region's; for VPC endpoints, FIPS, tests
	Profile  string // profile of the AWS configuration files; empty: the default chain
	// RetentionDays is set on a group that we make, never on one that is there.
	// 0 keeps events for ever. AWS takes certain numbers only.
	RetentionDays int
	Gzip          bool         // compress bodies: an eighth of the bytes on the wire
	Client        string       // what of client addresses leaves: "full" (also ""), "truncated" to /24 and /48, "none"
	Log           *slog.Logger // required

	Timeout time.Duration // of one call; 0 means 30 s
}

// Client sends batches to one stream. Nothing else in the program talks to
// CloudWatch Logs. It is used by one goroutine.
type Client struct {
	api           *cloudwatchlogs.Client
	creds         aws.CredentialsProvider
	group, stream string
	retention     int32
	clients       accesslog.Clients
	timeout       time.Duration // of one call
	log           *slog.Logger
}

// Names: API_CreateLogGroup.html and API_CreateLogStream.html.
var (
	groupName  = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`)
	streamName = regexp.MustCompile(`^[^:*]{1,512}$`)
	regionName = regexp.MustCompile(`^[a-zA-Z0-9-]{1,63}$`) // becomes a part of a host name
)

// New builds the client from c and AWS's own environment and files.
// It reaches for no network: see Check.
func New(ctx context.Context, c Config) (*Client, error) {
	if !groupName.MatchString(c.Group) {
		return nil, fmt.Errorf("cloudwatch group %q: 1 to 512 of letters, digits and . - _ / # are allowed", c.Group)
	}
	if !streamName.MatchString(c.Stream) {
		return nil, fmt.Errorf("cloudwatch stream %q: 1 to 512 characters without : and * are allowed", c.Stream)
	}
	clients, err := accesslog.ParseClients(c.Client)
	if err != nil {
		return nil, fmt.Errorf("cloudwatch %w", err)
	}
	c.Timeout = cmp.Or(c.Timeout, callTimeout)
	conf, err := loadAWS(ctx, c)
	if err != nil {
		return nil, err
	}
	return &Client{
		api: cloudwatchlogs.NewFromConfig(conf, func(o *cloudwatchlogs.Options) {
			if c.Endpoint != "" {
				o.BaseEndpoint = aws.String(c.Endpoint)
			}
		}, withGzip(c.Gzip)),
		creds: conf.Credentials, group: c.Group, stream: c.Stream,
		retention: int32(c.RetentionDays), clients: clients, timeout: c.Timeout, log: c.Log,
	}, nil
}

// loadAWS reads AWS's configuration. The SDK does not retry: the shipper's one
// back-off knows of shutdown and of the backlog, and two layers would multiply.
func loadAWS(ctx context.Context, c Config) (aws.Config, error) {
	if err := safepath.CheckAWS(); err != nil {
		return aws.Config{}, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	conf, err := config.LoadDefaultConfig(ctx,
		config.WithRegion(c.Region),
		config.WithSharedConfigProfile(c.Profile),
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(c.Timeout)),
		config.WithAppID("tlskeeper"),
	)
	if missing, ok := errors.AsType[config.SharedConfigProfileNotExistError](err); ok {
		return conf, hint.Wrap(fmt.Errorf("loading the AWS configuration: profile %q is not there", missing.Profile),
			"aws configure --profile "+missing.Profile)
	}
	if err != nil {
		return conf, fmt.Errorf("loading the AWS configuration: %v", err)
	}
	const regionHint = `write region = "eu-central-1" (or yours) into [cloudwatch], or set AWS_REGION`
	if conf.Region == "" {
		return conf, hint.Wrap(errors.New("cloudwatch: no AWS region is set"), regionHint)
	}
	if !regionName.MatchString(conf.Region) {
		return conf, hint.Wrap(fmt.Errorf("cloudwatch: region %q is not a region's name", conf.Region), regionHint)
	}
	return conf, nil
}

// Check sees whether there are credentials. Its error carries a hint.
func (c *Client) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if c.creds == nil {
		return noCredentials(errors.New("no EC2 IMDS role found"))
	}
	if _, err := c.creds.Retrieve(ctx); err != nil {
		return noCredentials(err)
	}
	return nil
}

// String is the destination, for people.
func (c *Client) String() string { return c.group + "/" + c.stream }

// Put sends one batch that Cut made. A group or stream that is missing is made
// and the batch sent again. Every error but one that IsRefused is worth a retry.
func (c *Client) Put(ctx context.Context, batch []Event) (Answer, error) {
	answer, err := c.putOnce(ctx, batch)
	if !isMissing(err) {
		return answer, err
	}
	if err := c.create(ctx); err != nil {
		return Answer{}, err
	}
	return c.putOnce(ctx, batch)
}

func (c *Client) putOnce(ctx context.Context, batch []Event) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	events := make([]types.InputLogEvent, len(batch))
	for i := range batch {
		events[i] = types.InputLogEvent{Timestamp: &batch[i].Millis, Message: &batch[i].Message}
	}
	out, err := c.api.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{
		LogGroupName: &c.group, LogStreamName: &c.stream, LogEvents: events,
	})
	// The service says it no longer does this; proxies and emulators do.
	if _, done := errors.AsType[*types.DataAlreadyAcceptedException](err); done {
		return All(batch), nil
	}
	if err != nil {
		return Answer{}, plainly(err)
	}
	return sortAnswer(batch, out.RejectedLogEventsInfo), nil
}

// create makes what is missing of group and stream.
func (c *Client) create(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	_, groupErr := c.api.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &c.group})
	if groupErr == nil {
		c.log.Info("made the log group", "group", c.group, "retention_days", c.retention)
		c.retain(ctx)
	} else if !isThere(groupErr) && !isDenied(groupErr) { // a stream may be all that is missing, and all that we may make
		return fmt.Errorf("making log group %s: %w", c.group, plainly(groupErr))
	}
	_, err := c.api.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &c.group, LogStreamName: &c.stream})
	if isMissing(err) && isDenied(groupErr) {
		return fmt.Errorf("making log group %s: %w", c.group, plainly(groupErr))
	}
	if err != nil && !isThere(err) {
		return fmt.Errorf("making log stream %s: %w", c, plainly(err))
	}
	return nil
}

// retain sets the retention of a group just made. A failure costs money, not
// events: it is said once and shipping goes on.
func (c *Client) retain(ctx context.Context) {
	if c.retention == 0 {
		return
	}
	_, err := c.api.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{
		LogGroupName: &c.group, RetentionInDays: &c.retention,
	})
	if err != nil {
		c.log.Warn("setting the retention of the log group", "group", c.group, "retention_days", c.retention, "err", plainly(err))
	}
}

func isThere(err error) bool {
	_, ok := errors.AsType[*types.ResourceAlreadyExistsException](err)
	return ok
}

func isMissing(err error) bool {
	_, ok := errors.AsType[*types.ResourceNotFoundException](err)
	return ok
}
