package foreign

var commonAnnotations = []Annotation{
	becomes("", className, "`spec.ingressClassName: apigateway`", func(string, *translation) (Outcome, string) { return Translated, "" }),
	needless("", "ingressclass.kubernetes.io/is-default-class", "it is about IngressClasses"),
	needless("", "kubernetes.io/tls-acme", "API Gateway takes certificates from ACM, which renews them: config `hostedZoneId` asks for one"),
	needless("", "cert-manager.io/*", "API Gateway takes certificates from ACM, which renews them: config `hostedZoneId` asks for one"),
	needless("", "acme.cert-manager.io/*", "as `cert-manager.io/*`"),
	needless("", "external-dns.alpha.kubernetes.io/*", "config `hostedZoneId` makes the records; without it they point to the output "+
		"`domainTarget`"),
	needless("", "kubectl.kubernetes.io/*", "kubectl's own notes"),
	needless("", "meta.helm.sh/*", "Helm's own notes"),
	needless("", "helm.sh/*", "Helm's own notes"),
	needless("", "argocd.argoproj.io/*", "Argo CD's own notes"),
}
