// Draws a token from a row of float32: go run main.go ROW [URL]. The URL of a Unix socket is like unix:/run/kelvin/kelvin.sock.
package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// connect returns a client that keeps its connections, and the base URL for requests.
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
func sample(client *http.Client, url string, logits []float32, retries int) (token int, logprob float64, err error) {
	body := new(bytes.Buffer)
	binary.Write(body, binary.LittleEndian, logits)
	response, err := client.Post(url, "application/octet-stream", body)
	if err != nil {
		return
	}
	defer response.Body.Close()
	var given struct {
		Results []struct {
			TokenIDs []int `json:"token_ids"`
			Logprobs []float64
		}
		Detail string
	}
	if err = json.NewDecoder(response.Body).Decode(&given); err != nil {
		return
	}
	if response.StatusCode == http.StatusServiceUnavailable && retries > 0 {
		// A retry is safe: nothing was drawn before the refusal, and with a seed the answer is the same.
		seconds, _ := strconv.ParseFloat(response.Header.Get("Retry-After"), 64)
		time.Sleep(time.Duration(seconds * float64(time.Second)))
		return sample(client, url, logits, retries-1)
	}
	if response.StatusCode != http.StatusOK {
		return 0, 0, fmt.Errorf("%d: %s", response.StatusCode, given.Detail)
	}
	return given.Results[0].TokenIDs[0], given.Results[0].Logprobs[0], nil
}

func main() {
	log.SetFlags(0)
	arguments := append(os.Args, "http://localhost:27315")
	row, err := os.ReadFile(arguments[1])
	if err != nil {
		log.Fatal(err)
	}
	logits := make([]float32, len(row)/4)
	binary.Decode(row, binary.LittleEndian, logits)
	client, url := connect(arguments[2])
	query := "/v1/sample?temperature=0.8&top_p=0.95&seed=42&return_probabilities=none"
	token, logprob, err := sample(client, url+query, logits, 3)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("token %d, logprob %.4f\n", token, logprob)
}
