// SPDX-License-Identifier: Apache-2.0

// Package predict measures how well predictors foretell the peaks of nodes over a memory trace, without scheduling.
//
// The series of a trace are packed onto equal nodes by what they request. At every step a predictor says what the series
// present on a node will hold at most over the horizon, from what was seen until then. The oracle knows: the largest sum of
// the series present now, each of which counts until it ends. The measures are those of Bashir and others, "Take it to the
// Limit: Peak Prediction-driven Resource Overcommitment in Datacenters", EuroSys 2021.
package predict
