package gateway

import "fmt"

// Notice says that an older deployment still decides who gets in; empty where the newest does.
func (c Canary) Notice() string {
	switch {
	case c.StableDeployment == "":
		return ""
	case c.Percent > 0:
		return fmt.Sprintf("canary: %v%% of the requests go to deployment %s, which lets in whom it let in when it was made; "+
			"what tightens access since then holds for the other %v%% alone", 100-c.Percent, c.StableDeployment, c.Percent)
	}
	return fmt.Sprintf("the stage is taken back to deployment %s, which lets in whom it let in when it was made; what tightens access "+
		"since then does not hold", c.StableDeployment)
}
