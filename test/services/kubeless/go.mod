// The original command, built by package name from the Go module proxy.
module trigate.test/kubeless

go 1.24.0

require github.com/kubeless/kubeless v1.0.8

require (
	cloud.google.com/go v0.46.3 // indirect
	github.com/Azure/go-autorest v8.0.0+incompatible // indirect
	github.com/aws/aws-sdk-go v1.16.26 // indirect
	github.com/coreos/prometheus-operator v0.0.0-20171201110357-197eb012d973 // indirect
	github.com/dgrijalva/jwt-go v3.2.0+incompatible // indirect
	github.com/ghodss/yaml v1.0.1-0.20190212211648-25d852aebe32 // indirect
	github.com/gogo/protobuf v1.2.1 // indirect
	github.com/golang/glog v0.0.0-20160126235308-23def4e6c14b // indirect
	github.com/golang/protobuf v1.3.2 // indirect
	github.com/google/gofuzz v0.0.0-20170612174753-24818f796faf // indirect
	github.com/googleapis/gnostic v0.2.0 // indirect
	github.com/gophercloud/gophercloud v0.0.0-20190130105114-cc9c99918988 // indirect
	github.com/gosuri/uitable v0.0.0-20160404203958-36ee7e946282 // indirect
	github.com/howeyc/gopass v0.0.0-20170109162249-bf9dde6d0d2c // indirect
	github.com/imdario/mergo v0.3.7 // indirect
	github.com/inconshreveable/mousetrap v1.0.0 // indirect
	github.com/jmespath/go-jmespath v0.0.0-20180206201540-c2b33e8439af // indirect
	github.com/json-iterator/go v1.1.6 // indirect
	github.com/konsorten/go-windows-terminal-sequences v1.0.1 // indirect
	github.com/kubeless/cronjob-trigger v1.0.2 // indirect
	github.com/kubeless/http-trigger v1.0.0 // indirect
	github.com/kubeless/kafka-trigger v1.0.1 // indirect
	github.com/kubeless/kinesis-trigger v0.0.0-20180817123215-a548c3d1cbd9 // indirect
	github.com/kubeless/nats-trigger v0.0.0-20180817123246-372a5fa547dc // indirect
	github.com/mattn/go-runewidth v0.0.4 // indirect
	github.com/matttproud/golang_protobuf_extensions v1.0.1 // indirect
	github.com/modern-go/concurrent v0.0.0-20180306012644-bacd9c7ef1dd // indirect
	github.com/modern-go/reflect2 v1.0.1 // indirect
	github.com/nats-io/go-nats v1.7.0 // indirect
	github.com/nats-io/nkeys v0.0.2 // indirect
	github.com/nats-io/nuid v1.0.0 // indirect
	github.com/pkg/errors v0.8.1 // indirect
	github.com/prometheus/client_model v0.0.0-20190129233127-fd36f4220a90 // indirect
	github.com/prometheus/common v0.4.0 // indirect
	github.com/robfig/cron v0.0.0-20180505203441-b41be1df6967 // indirect
	github.com/sirupsen/logrus v1.2.0 // indirect
	github.com/spf13/cobra v1.1.1 // indirect
	github.com/spf13/pflag v1.0.5 // indirect
	golang.org/x/crypto v0.0.0-20190605123033-f99c8df09eb5 // indirect
	golang.org/x/net v0.0.0-20190620200207-3b0461eec859 // indirect
	golang.org/x/oauth2 v0.0.0-20190604053449-0f29369cfe45 // indirect
	golang.org/x/sys v0.0.0-20190624142023-c5567b49c5d0 // indirect
	golang.org/x/text v0.3.2 // indirect
	golang.org/x/time v0.0.0-20190308202827-9d24e82272b4 // indirect
	google.golang.org/appengine v1.6.1 // indirect
	gopkg.in/inf.v0 v0.9.1 // indirect
	gopkg.in/yaml.v2 v2.4.0 // indirect
	k8s.io/api v0.0.0-20180308224125-73d903622b73 // indirect
	k8s.io/apiextensions-apiserver v0.0.0-20180327033742-750feebe2038 // indirect
	k8s.io/apimachinery v0.0.0-20180228050457-302974c03f7e // indirect
	k8s.io/client-go v7.0.0+incompatible // indirect
)
