package command

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
)

// routesJSON is what routes prints for machines.
type routesJSON struct {
	Routes []route.Row             `json:"routes"`
	Counts map[ingress.Outcome]int `json:"counts"`
	// Ingresses has a verdict for each, and for what could not be read.
	Ingresses []ingress.Verdict `json:"ingresses"`
	Notices   []string          `json:"notices"`
	// Problems are about no Ingress by itself.
	Problems []string `json:"problems"`
}

func asJSON(judged ingress.Report) routesJSON {
	told := routesJSON{Routes: rowsOf(judged), Counts: map[ingress.Outcome]int{}, Ingresses: judged.Verdicts, Notices: []string{},
		Problems: []string{}}
	for _, outcome := range ingress.Outcomes {
		told.Counts[outcome] = judged.Count(outcome)
	}
	told.Notices = append(told.Notices, judged.Notices...)
	for _, problem := range judged.Problems {
		told.Problems = append(told.Problems, problem.Error())
	}
	return told
}

func rowsOf(judged ingress.Report) []route.Row {
	if judged.Table == nil {
		return []route.Row{}
	}
	return judged.Table.Rows()
}

// inShort is what is wrong in one line, with the first reason: the report says all of it.
func inShort(judged ingress.Report) error {
	if len(judged.Problems) > 0 {
		return errors.Join(judged.Problems...)
	}
	i := slices.IndexFunc(judged.Verdicts, func(v ingress.Verdict) bool { return v.Outcome == ingress.Refused })
	if i < 0 {
		return nil
	}
	first := judged.Verdicts[i]
	text := fmt.Sprintf("%d of %d refused: %s: %s", judged.Count(ingress.Refused), len(judged.Verdicts), first.Place, first.Reasons[0])
	if judged.Count(ingress.Refused) > 1 || len(first.Reasons) > 1 {
		text += "; the report says the rest"
	}
	return errors.New(text)
}

// printReport prints the routes, and where there is more to say, what became of each Ingress.
func (s *shared) printReport(judged ingress.Report) error {
	if rows := rowsOf(judged); len(rows) > 0 {
		if err := s.printRoutes(rows); err != nil {
			return err
		}
	}
	if judged.Count(ingress.Served) == len(judged.Verdicts) && len(judged.Notices) == 0 {
		return nil
	}
	var counts []string
	for _, outcome := range ingress.Outcomes {
		counts = append(counts, fmt.Sprintf("%d %s", judged.Count(outcome), outcome))
	}
	s.printf("\n%s\n", strings.Join(counts, ", "))
	for _, outcome := range ingress.Outcomes {
		s.printVerdicts(judged, outcome)
	}
	if len(judged.Notices) > 0 {
		s.printf("\nBesides:\n")
		for _, notice := range judged.Notices {
			s.printf("  %s\n", plain(notice))
		}
	}
	return nil
}

func (s *shared) printVerdicts(judged ingress.Report, outcome ingress.Outcome) {
	if judged.Count(outcome) == 0 {
		return
	}
	s.printf("\n%s%s:\n", strings.ToUpper(string(outcome[:1])), outcome[1:])
	for _, v := range judged.Verdicts {
		if v.Outcome != outcome {
			continue
		}
		s.printf("  %s\n", plain(v.Place))
		for _, reason := range v.Reasons {
			s.printf("    %s\n", plain(reason))
		}
	}
}

func (s *shared) printRoutes(rows []route.Row) error {
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "HOST\tPATH\tTYPE\tMETHODS\tAUTH\tBACKEND\tSOURCE")
	for _, r := range rows {
		port := strconv.Itoa(r.Port)
		if r.Port == 0 {
			port = r.PortName
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s/%s:%s\t%s\n", r.Host, r.Path, r.PathType, strings.Join(r.Methods, ","), r.Auth,
			r.Namespace, r.Service, port, r.Source)
	}
	return w.Flush()
}
