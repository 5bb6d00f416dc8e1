// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Istio's control plane, whose injector tests/bench/inject measures beside ours.
package tools

import _ "istio.io/istio/pilot/cmd/pilot-discovery"
