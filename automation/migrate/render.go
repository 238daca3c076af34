package migrate

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route/foreign"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

// ManifestsFile is the name under which the config lists the translated Ingresses.
const ManifestsFile = "ingress.yaml"

// Manifests are the translated Ingresses as one file.
func (p *Plan) Manifests() ([]byte, error) {
	var b bytes.Buffer
	for i, ingress := range p.Ingresses {
		if i > 0 {
			b.WriteString("---\n")
		}
		text, err := withoutStatus(ingress)
		if err != nil {
			return nil, fmt.Errorf("ingress %s: %w", nameOf(ingress.Namespace, ingress.Name), err)
		}
		b.Write(text)
	}
	return b.Bytes(), nil
}

// withoutStatus leaves out what the API server writes.
func withoutStatus(ingress networkingv1.Ingress) ([]byte, error) {
	encoded, err := json.Marshal(ingress)
	if err != nil {
		return nil, err
	}
	fields := map[string]any{}
	if err := json.Unmarshal(encoded, &fields); err != nil {
		return nil, err
	}
	delete(fields, "status")
	return yaml.Marshal(fields)
}

// StackConfig is the stack's file. What nobody could know stands in angle brackets.
func (p *Plan) StackConfig(options Options) []byte {
	var b bytes.Buffer
	key := func(name string, value any) {
		text, err := json.Marshal(value)
		if err != nil {
			text = []byte(strconv.Quote(fmt.Sprint(value)))
		}
		fmt.Fprintf(&b, "  %s: %s\n", name, text)
	}
	b.WriteString("# Written by apigw-ingress migrate. What stands in <angle brackets> is yours to fill in.\nconfig:\n")
	key("aws:region", cmp.Or(options.Region, "<region>"))
	key("apigateway-ingress:clusterName", cmp.Or(options.Cluster, "<cluster>"))
	if len(p.Ingresses) > 0 {
		key("apigateway-ingress:manifests", []string{ManifestsFile})
	}
	for _, name := range slices.Sorted(maps.Keys(p.Config)) {
		key("apigateway-ingress:"+name, p.Config[name])
	}
	p.writeDomain(&b, key)
	if len(p.Offers) > 0 {
		b.WriteString("  # These Services have a load balancer or a node port of their own. Publish those that clients shall reach.\n")
		b.WriteString("  # apigateway-ingress:publish:\n")
		for _, offer := range p.Offers {
			fmt.Fprintf(&b, "  #   - {path: /%s, service: \"%s/%s:%d\"} # %s\n", offer.Name, offer.Namespace, offer.Name, offer.Port, offer.Kind)
		}
	}
	return b.Bytes()
}

// writeDomain gives the hosts of the rules a domain. Ingresses that name their own certificate have one already.
func (p *Plan) writeDomain(b *bytes.Buffer, key func(string, any)) {
	if len(p.Hosts) == 0 || slices.ContainsFunc(p.Ingresses, func(i networkingv1.Ingress) bool {
		return i.Annotations["apigateway.ingress.kubernetes.io/custom-domain-name"] != ""
	}) {
		return
	}
	fmt.Fprintf(b, "  # Hosts of the rules: %s. The hosted zone gives the API its certificate and its DNS records.\n",
		strings.Join(p.Hosts, ", "))
	key("apigateway-ingress:domainName", domainFor(p.Hosts))
	key("apigateway-ingress:hostedZoneId", "<hosted zone>")
}

// domainFor is the one host, or the wildcard that covers all.
func domainFor(hosts []string) string {
	if len(hosts) == 1 {
		return hosts[0]
	}
	_, parent, _ := strings.Cut(hosts[0], ".")
	for _, host := range hosts[1:] {
		if _, other, _ := strings.Cut(host, "."); other != parent {
			return "<a domain for " + strings.Join(hosts, ", ") + ">"
		}
	}
	return "*." + parent
}

// Report says what became of every annotation and path, as Markdown. What needs somebody's attention comes first.
func (p *Plan) Report() string {
	var b strings.Builder
	counts := map[foreign.Outcome]int{}
	guarded := 0
	for _, f := range p.Findings {
		counts[f.Outcome]++
		if f.Access && f.Outcome == foreign.Impossible {
			guarded++
		}
	}
	fmt.Fprintf(&b, "# Migration\n\nIngresses: %d translated. Services that could be published: %d. Annotations and paths: %d "+
		"translated, %d not needed, %d impossible.\n",
		len(p.Ingresses), len(p.Offers), counts[foreign.Translated], counts[foreign.NotNeeded], counts[foreign.Impossible])
	if guarded > 0 {
		fmt.Fprintf(&b, "\n**%d of the impossible ones decided who gets in.** Their routes ask for IAM's signatures until you decide "+
			"otherwise.\n", guarded)
	}
	for _, section := range []struct {
		title   string
		outcome foreign.Outcome
	}{{"Impossible: to decide", foreign.Impossible}, {"Translated", foreign.Translated}, {"Not needed", foreign.NotNeeded}} {
		p.section(&b, section.title, section.outcome)
	}
	if len(p.Notices) > 0 {
		b.WriteString("\n## Notices\n\n")
		for _, notice := range p.Notices {
			b.WriteString("- " + oneLine(notice) + "\n")
		}
	}
	return b.String()
}

func (p *Plan) section(b *strings.Builder, title string, outcome foreign.Outcome) {
	first := true
	for _, f := range p.Findings {
		if f.Outcome != outcome {
			continue
		}
		if first {
			fmt.Fprintf(b, "\n## %s\n\n| Ingress | what | value | |\n| --- | --- | --- | --- |\n", title)
			first = false
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", cell(f.Ingress), cell(f.Subject), cell(f.Value), oneLine(f.Note))
	}
}

// longestValue is as much of a value as a table can show.
const longestValue = 60

// cell is text of a manifest in a table: it can neither end the cell nor begin a line.
func cell(text string) string {
	text = oneLine(text)
	if runes := []rune(text); len(runes) > longestValue {
		text = string(runes[:longestValue]) + "…"
	}
	return strings.ReplaceAll(text, "|", `\|`)
}

func oneLine(text string) string {
	quoted := strconv.Quote(strings.Join(strings.Fields(text), " "))
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(quoted[1 : len(quoted)-1])
}
