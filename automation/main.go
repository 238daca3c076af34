// Command apigw-ingress brings stacks of this project up, calls them and takes them down, on AWS and on this
// machine. `apigw-ingress help` lists its verbs and exit codes.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if filepath.Base(os.Args[0]) == analyzerName {
		if err := serveAnalyzer(os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(exitFailure)
		}
		return
	}
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
