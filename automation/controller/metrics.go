package controller

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var (
	ingressesMetric = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "apigateway_ingress_ingresses", Help: "Ingresses of the class, by whether they are served as they are written.",
	}, []string{"outcome"})
	routesMetric = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "apigateway_ingress_routes", Help: "Routes that the Ingresses make.",
	})
	operationsMetric = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "apigateway_ingress_operation_seconds", Help: "How long operations on the stack took, by their outcome.",
		Buckets: []float64{0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900},
	}, []string{"outcome"})
)

func init() { metrics.Registry.MustRegister(ingressesMetric, routesMetric, operationsMetric) }

func count(plan Plan) {
	refused := 0
	for _, ruling := range plan.Rulings {
		if ruling.Err != nil {
			refused++
		}
	}
	ingressesMetric.WithLabelValues("refused").Set(float64(refused))
	ingressesMetric.WithLabelValues("served").Set(float64(len(plan.Rulings) - refused))
	routesMetric.Set(float64(len(plan.Table.Routes)))
}

func observe(took time.Duration, err error) {
	outcome := "done"
	if err != nil {
		outcome = "failed"
	}
	operationsMetric.WithLabelValues(outcome).Observe(took.Seconds())
}
