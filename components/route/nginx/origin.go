package nginx

import "strings"

// origins make $origin, which is empty where a request does not prove that it came through the API.
func (o Options) origins() []directive {
	if o.OriginsFile == "" {
		return nil
	}
	return []directive{{"map", []argument{raw("$http_x_apigw_origin"), raw("$origin")},
		[]directive{{"include", []argument{literal(o.OriginsFile)}, nil}}}}
}

func (o Options) refuseStrangers() []directive {
	if o.OriginsFile == "" {
		return nil
	}
	return []directive{{"if", []argument{raw(`($origin = "")`)}, []directive{refusal(403, "Forbidden")}}}
}

// Origins is the content of the file with the proofs of origin that are accepted.
func Origins(proofs []string) string {
	var b strings.Builder
	for _, proof := range proofs {
		b.WriteString(string(mapKey(proof)) + " 1;\n")
	}
	return b.String()
}
