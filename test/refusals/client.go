// Sends a body again and again as net/http does, and prints each outcome: a status and its document, or an error.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
)

type brackets struct{}

func (brackets) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ']'
	}
	return len(p), nil
}

func ask(url string, size int64, chunked bool, headers map[string]string) string {
	request, err := http.NewRequest("POST", url, io.LimitReader(brackets{}, size))
	if err != nil {
		return err.Error()
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	if !chunked {
		request.ContentLength = size
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return strconv.Itoa(response.StatusCode) + " " + string(body)
}

func main() {
	size, _ := strconv.ParseInt(os.Args[2], 10, 64)
	runs, _ := strconv.Atoi(os.Args[4])
	headers := map[string]string{}
	if err := json.Unmarshal([]byte(os.Args[5]), &headers); err != nil {
		panic(err)
	}
	for range runs {
		outcome := ask(os.Args[1], size, os.Args[3] == "chunked", headers)
		fmt.Println(strings.ReplaceAll(outcome, "\n", " "))
	}
}
