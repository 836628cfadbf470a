package main

import "github.com/urfave/cli/v2"

// Placeholders until the real files exist: whoever adds a command's file takes its line out here.

func (a *app) agentCommand() *cli.Command { return nil }
func (a *app) tailCommand() *cli.Command  { return nil }
