// Uses the client that oapi-codegen makes of the document.
package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"reflect"

	"generators/kelvin"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func expect(got, wanted any) {
	if !reflect.DeepEqual(got, wanted) {
		check(fmt.Errorf("got %v, expected %v", got, wanted))
	}
}

func pointer[T any](value T) *T { return &value }

func main() {
	ctx := context.Background()
	client, err := kelvin.NewClientWithResponses(os.Getenv("KELVIN_URL"))
	check(err)
	values := []float32{2, 1, 0.5, -1, -3}
	sum := 0.0
	for _, value := range values {
		sum += math.Exp(float64(value) / 0.8)
	}
	// The logprob of token 1 at temperature 0.8. The seed 42 draws this token.
	logprob := float64(values[1])/0.8 - math.Log(sum)
	var row bytes.Buffer
	check(binary.Write(&row, binary.LittleEndian, values))

	// JSON
	var logits kelvin.Logits
	check(logits.FromTensor(kelvin.Tensor{Dtype: kelvin.DtypeFloat32, Shape: []int64{5}, Data: row.Bytes()}))
	var seed kelvin.Uint64
	check(seed.FromSafeInteger(42))
	body := kelvin.SampleRequest{Logits: logits, Temperature: pointer(0.8), Seed: &seed}
	answer, err := client.SampleWithResponse(ctx, nil, body)
	check(err)
	expect(answer.StatusCode(), 200)
	result := answer.JSON200.Results[0]
	expect(result.TokenIds, []int32{1})
	expect(math.Abs(*result.Logprobs[0]-logprob) < 1e-12, true)
	expect(result.Seed, "42")

	// Bytes, with the rest in the query
	params := &kelvin.SampleParams{
		Temperature:     pointer(0.8),
		Seed:            pointer("42"),
		Shape:           &[]int64{1, 5},
		LogprobTokenIds: &[]int32{0, 4},
	}
	answer, err = client.SampleWithBodyWithResponse(ctx, params, "application/octet-stream", &row)
	check(err)
	expect(answer.StatusCode(), 200)
	result = answer.JSON200.Results[0]
	expect(result.TokenIds, []int32{1})
	expect(*result.Scored.Ranks[1], int64(5))

	// An error is the problem document.
	check(body.Logits.FromNumberRow([]float64{2, 1, 0.5, -1, -3}))
	body.Temperature = pointer(-1.0)
	answer, err = client.SampleWithResponse(ctx, nil, body)
	check(err)
	problem := answer.ApplicationproblemJSON400
	expect(problem.Code, kelvin.INVALIDREQUEST)
	expect(problem.Errors[0].Pointer, "/temperature")
}
