package nginx

import "github.com/apigateway-ingress/apigateway-ingress/components/route"

func mapOf(source, result string, entries ...directive) directive {
	return directive{"map", []argument{literal(source), raw(result)}, entries}
}

// entry is one of a map, where value may name variables.
func entry(key, value string) directive {
	return directive{"", []argument{literal(key), literal(value)}, nil}
}

// pathMaps make $path, which is what the service sees: the path that the client asked for, with the slash at its end that API
// Gateway has dropped. $misread is not empty where some service could read it as one of another access class.
func pathMaps(locations []route.Location, paths Paths) []directive {
	misread := readings(locations)
	if paths == PathsStrict {
		misread = []directive{{"", []argument{raw("default"), literal("1")}, nil}}
	}
	return []directive{
		mapOf("$request_uri", "$asked", entry(`~^(?<asked_path>[^?]*)`, "$asked_path")),
		mapOf("$asked $http_x_apigw_path", "$path", directive{"", []argument{raw("default"), raw("$asked")}, nil},
			entry(`~^(?<unslashed>/[^ ]+) .*\k<unslashed>/$`, "$unslashed/"),
			// Should API Gateway write one of the two otherwise encoded, their ends still tell.
			entry(`~^(?<without>[^ ]*[^ /]) .*/$`, "$without/")),
		// What stands before the path is the stage, or the base path of a domain.
		mapOf("$asked $http_x_apigw_path", "$prefix",
			entry(`~^(?<below_prefix>[^ ]*) (?<before>.*)\k<below_prefix>/?$`, "$before"), entry(`~^/ (?<stage>/[^/ ]+)$`, "$stage")),
		mapOf("$path", "$slash", entry(`~./$`, "/")),
		mapOf("$http_x_apigw_access $path", "$unplain", directive{"", []argument{raw("default"), raw(`"$http_x_apigw_access $path"`)}, nil},
			entry("~"+claimed+plainPath, "")),
		mapOf("$unplain", "$misread", append([]directive{entry("", "")}, misread...)...),
	}
}

// backendMaps make $backend, the upstream of a request: the one that API Gateway claims, if there is one of that name here, or
// else that of the location, if API Gateway let the request in for the location's access class. So a deployment and a pod of
// different generations answer as one of the two would, and nobody gets through one route's access what another has.
func backendMaps(backends []route.Backend) []directive {
	known := []directive{entry(route.NoBackend, route.NoBackend)}
	for _, b := range backends {
		known = append(known, directive{"", []argument{literal(b.Name()), raw(b.Name())}, nil})
	}
	claims := mapOf("$called_host$slash $http_x_apigw_backends", "$claimed")
	for _, slash := range []string{"/", ""} {
		end := map[string]string{"/": "/", "": "/?"}[slash]
		claims.block = append(claims.block,
			entry(`~^(?<name>[^ /]*)`+end+` (?:.*,)?\k<name>`+slash+`=(?<claim>[^,]*)`, "$claim"),
			entry(`~^[^ /.]+(?<domain>\.[^ /]*)`+end+` (?:.*,)?\*\k<domain>`+slash+`=(?<claim>[^,]*)`, "$claim"),
			entry(`~^[^ /]*`+end+` (?:.*,)?`+slash+`=(?<claim>[^,]*)`, "$claim"))
	}
	return []directive{
		claims,
		mapOf("$claimed", "$known", known...),
		mapOf("$own_access $http_x_apigw_access", "$permitted", entry(`~^(?<class>[0-9a-f]+) \k<class>\*?$`, "$own")),
		mapOf("$known", "$backend", entry("", "$permitted"), entry(route.NoBackend, ""),
			directive{"", []argument{raw("default"), raw("$known")}, nil}),
	}
}
