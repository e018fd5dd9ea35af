// Draws a token from a row of float32: go run main.go ROW [URL]. A Unix socket is unix:/run/kelvin/kelvin.sock.
package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

type result struct {
	TokenIDs []int     `json:"token_ids"`
	Logprobs []float64 `json:"logprobs"`
}

// connect returns a client that keeps its connections, and the URL to ask.
func connect(url string) (*http.Client, string) {
	path, isSocket := strings.CutPrefix(url, "unix:")
	if !isSocket {
		return &http.Client{}, url
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial}}, "http://localhost"
}

// sample draws from one row. The query has the parameters.
func sample(client *http.Client, url string, logits []float32, retries int) (*result, error) {
	body := new(bytes.Buffer)
	binary.Write(body, binary.LittleEndian, logits)
	response, err := client.Post(url, "application/octet-stream", body)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var answer struct {
		Results []result
		Detail  string
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, err
	}
	switch {
	case response.StatusCode == http.StatusOK:
		return &answer.Results[0], nil
	case response.StatusCode == http.StatusServiceUnavailable && retries > 0:
		// It was refused before anything was drawn, and a seed makes the answer the same.
		seconds, _ := strconv.ParseFloat(response.Header.Get("Retry-After"), 64)
		time.Sleep(time.Duration(seconds * float64(time.Second)))
		return sample(client, url, logits, retries-1)
	}
	return nil, fmt.Errorf("%d: %s", response.StatusCode, answer.Detail)
}

func main() {
	arguments := append(os.Args[1:], "", "http://localhost:27315")
	row, err := os.ReadFile(arguments[0])
	logits := make([]float32, len(row)/4)
	binary.Decode(row, binary.LittleEndian, logits)
	if err == nil {
		client, url := connect(arguments[min(1, len(os.Args)-1)])
		query := "/v1/sample?temperature=0.8&top_p=0.95&seed=42&return_probabilities=none"
		var drawn *result
		if drawn, err = sample(client, url+query, logits, 3); err == nil {
			fmt.Printf("token %d, logprob %.4f\n", drawn.TokenIDs[0], drawn.Logprobs[0])
			return
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
