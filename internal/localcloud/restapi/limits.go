package restapi

// Limit is one of API Gateway's for REST APIs that holds while it serves requests. None can be raised, but for that of time.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
type Limit struct {
	// What is limited, with its unit.
	What string
	Max  int
	// Status and Message are the answer to what is over the limit. Without them the answer passes, and is not kept.
	Status  int
	Message string
	// Believed marks an answer that is known from reports rather than from AWS's documentation.
	Believed bool
}

// The limits. What is over that of RequestBody has the default of the response type REQUEST_TOO_LARGE:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
var (
	RequestHead = Limit{"bytes of the request's line and the values of its headers", 10_240, 413,
		"HTTP header is larger than 10240 bytes.", true}
	RequestBody     = Limit{"bytes of a request's body", 10_485_760, 413, "HTTP content length exceeded 10485760 bytes.", false}
	ResponseBody    = Limit{"bytes of an answer's body", 10_485_760, 500, "Internal server error", true}
	CachedBody      = Limit{"bytes of an answer's body that is cached", 1_048_576, 0, "", false}
	IntegrationTime = Limit{"milliseconds until the service's answer is whole", 29_000, 504, "Endpoint request timed out", false}
)

// Limits has all of them.
var Limits = []Limit{RequestHead, RequestBody, ResponseBody, CachedBody, IntegrationTime}
