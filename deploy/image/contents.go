package main

// user is whom the programs run as, and whom /data belongs to: a number that no host
// has a user for, and that clusters which forbid root accept without looking it up.
const user = 65532

// directories are those of the image, each after the one that it is in.
func directories() []file {
	var all []file
	for _, path := range []string{
		"usr/", "usr/local/", "usr/local/bin/", "usr/share/", "usr/share/doc/", "usr/share/doc/ostraka/",
	} {
		all = append(all, file{path: path, mode: 0o755})
	}
	// A volume that is new takes its owner and mode from here.
	return append(all, file{path: "data/", mode: 0o750, owner: user})
}

// labels are the image's, and also annotations of what a registry shows.
func labels(s source) map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":       "Ostraka",
		"org.opencontainers.image.description": "A sharded, replicated, linearizable metadata store",
		"org.opencontainers.image.version":     s.version,
		"org.opencontainers.image.revision":    s.revision,
		"org.opencontainers.image.created":     s.time.Format(timeForm),
		"org.opencontainers.image.source":      "https://github.com/ostraka-db/ostraka",
		"org.opencontainers.image.licenses":    "Apache-2.0",
	}
}

// runs says how the image is run: by itself, a service in one process, whose data is in
// the volume.
func runs(s source) runConfig {
	return runConfig{
		User:       "65532:65532",
		Env:        []string{"PATH=/usr/local/bin"},
		Entrypoint: []string{"/usr/local/bin/ostraka"},
		Cmd: []string{
			"standalone", "--data-dir", "/data", "--public-addr", "0.0.0.0:6648", "--admin-addr", "0.0.0.0:6651",
			"--metrics-addr", "0.0.0.0:8080",
		},
		// Clients, other servers, admins, and metrics with probes.
		ExposedPorts: map[string]struct{}{"6648/tcp": {}, "6649/tcp": {}, "6651/tcp": {}, "8080/tcp": {}},
		Volumes:      map[string]struct{}{"/data": {}},
		// The programs' own defaults are below where they run: ./data is the volume.
		WorkingDir: "/",
		StopSignal: "SIGTERM",
		Labels:     labels(s),
	}
}
