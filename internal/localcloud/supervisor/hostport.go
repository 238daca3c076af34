package supervisor

import (
	"os"
	"strconv"
	"strings"
	"sync"
)

// aboveReserved is added to a container's port that an ordinary user of this machine may not listen on.
const aboveReserved = 20000

// hostPort is where a container's port lies on the pod's address: the same, unless it is reserved for root here.
func hostPort(port int) int {
	if port >= firstFreePort() {
		return port
	}
	return port + aboveReserved
}

// firstFreePort is the first port that this user may listen on: https://docs.kernel.org/networking/ip-sysctl.html
var firstFreePort = sync.OnceValue(func() int {
	if os.Geteuid() == 0 {
		return 0
	}
	content, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start")
	if err != nil {
		return 1024
	}
	first, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return 1024
	}
	return first
})
