// Command apigw-ingress brings stacks of this project up, calls them and takes them down, on AWS and on this
// machine. `apigw-ingress help` lists its verbs and exit codes.
package main

import (
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
