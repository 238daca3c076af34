package docs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// phrases tell licences apart, the more particular ones first. All of them let a binary be given away.
var phrases = []struct{ phrase, licence string }{
	{"mozilla public license version 2.0", "MPL-2.0"}, {"mozilla public license, version 2.0", "MPL-2.0"},
	{"apache license version 2.0", "Apache-2.0"}, {"apache license, version 2.0", "Apache-2.0"},
	{"neither the name", "BSD-3-Clause"}, {"redistribution and use in source and binary forms", "BSD-2-Clause"},
	{"permission to use, copy, modify, and/or distribute this software",
		"ISC"}, {"permission to use, copy, modify, and distribute this software", "ISC"},
	{"permission is hereby granted, free of charge", "MIT"},
	{"creative commons", "CC0-1.0"},
}

// Every module in the released binary has a licence that is known and may be passed on: docs/contributing/licences.md lists them.
func TestLicences(t *testing.T) {
	out, err := exec.Command("go", "list", "-C", repository, "-deps", "-f",
		"{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}", "./automation").Output()
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.Sort(lines)
	var b strings.Builder
	b.WriteString("# Licences\n\nOf the modules in the binary, written by `make golden`.\n\n| module | version | licence |\n| --- | " +
		"--- | --- |\n")
	for _, line := range slices.Compact(lines) {
		if line == "" {
			continue
		}
		fields := strings.Fields(line)
		require.Len(t, fields, 3, line)
		fmt.Fprintf(&b, "| %s | %s | %s |\n", fields[0], fields[1], licenceOf(t, fields[2]))
	}
	page(t, "contributing/licences.md", b.String())
}

func licenceOf(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, entry := range entries {
		name := strings.ToUpper(entry.Name())
		if !strings.HasPrefix(name, "LICEN") && !strings.HasPrefix(name, "COPYING") || entry.IsDir() {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		require.NoError(t, err)
		text := strings.ToLower(strings.Join(strings.Fields(string(content)), " "))
		for _, p := range phrases {
			if strings.Contains(text, p.phrase) {
				return p.licence
			}
		}
	}
	t.Errorf("%s has no licence that is known", dir)
	return "unknown"
}
