package route

// Row is a route as people and scripts want to see it.
type Row struct {
	Host      string   `json:"host"`
	Path      string   `json:"path"`
	PathType  Match    `json:"pathType"`
	Methods   []string `json:"methods"`
	Auth      Auth     `json:"auth"`
	Namespace string   `json:"namespace"`
	Service   string   `json:"service"`
	Port      int      `json:"port"`
	PortName  string   `json:"portName,omitempty"`
	Source    string   `json:"source"`
}

// Rows lists the routes in their order. Every host is "*", and every method "*", too.
func (t *Table) Rows() []Row {
	rows := make([]Row, 0, len(t.Routes))
	for _, r := range t.Routes {
		row := Row{
			Host: r.Host, Path: r.Path, PathType: r.Match, Methods: r.Behavior.Methods, Auth: r.Behavior.Auth,
			Namespace: r.Backend.Namespace, Service: r.Backend.Service, Port: r.Backend.Port, PortName: r.Backend.PortName, Source: r.Source,
		}
		if row.Host == "" {
			row.Host = "*"
		}
		if len(row.Methods) == 0 {
			row.Methods = []string{"*"}
		}
		rows = append(rows, row)
	}
	return rows
}
