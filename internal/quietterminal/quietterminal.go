// Package quietterminal keeps libraries from asking the terminal for its colors before the program does anything. A terminal
// that does not answer would hold each verb up for seconds, and the question would stand in what is printed.
//
// The question is asked when Bubble Tea is initialized, which the Pulumi SDK imports. Packages are initialized in the order of
// their import paths as soon as what they import is (https://go.dev/ref/spec#Program_initialization), and this one's comes before.
package quietterminal

import "github.com/charmbracelet/lipgloss"

func init() {
	// Nothing of this program is drawn with it: either answer is as good.
	lipgloss.SetHasDarkBackground(true)
}
