//go:build tools

package tools

import _ "github.com/kubeless/kubeless/cmd/kubeless"
