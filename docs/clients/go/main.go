// Transcribe a recording with the standard library alone: go run . RECORDING [MODEL]
//
// Reads OPENAI_BASE_URL and OPENAI_API_KEY. Prints the text while it appears. The recording is sent as it
// is read, so its size does not matter to memory.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

type event struct {
	Type  string `json:"type"`
	Delta string `json:"delta"`
	Error *struct {
		Message string `json:"message"`
	} `json:"error"`
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "Usage: go run . RECORDING [MODEL]")
		os.Exit(2)
	}
	model := "whisper-1"
	if len(os.Args) > 2 {
		model = os.Args[2]
	}
	if err := transcribe(os.Args[1], model); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func transcribe(recording, model string) error {
	file, err := os.Open(recording)
	if err != nil {
		return err
	}
	defer file.Close()

	body, pipe := io.Pipe()
	form := multipart.NewWriter(pipe)
	go func() { pipe.CloseWithError(write(form, file, model)) }()

	request, err := http.NewRequest(http.MethodPost, setting("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1")+"/audio/transcriptions", body)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", form.FormDataContentType())
	request.Header.Set("Authorization", "Bearer "+setting("OPENAI_API_KEY", "none"))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		told, _ := io.ReadAll(response.Body)
		return fmt.Errorf("the server says %s: %s", response.Status, told)
	}
	return show(response.Body)
}

// write sends the fields before the file: who reads the form knows what is asked while the file arrives.
func write(form *multipart.Writer, file *os.File, model string) error {
	for _, field := range [][2]string{{"model", model}, {"stream", "true"}} {
		if err := form.WriteField(field[0], field[1]); err != nil {
			return err
		}
	}
	part, err := form.CreateFormFile("file", filepath.Base(file.Name()))
	if err != nil {
		return err
	}
	if _, err := io.Copy(part, file); err != nil {
		return err
	}
	return form.Close()
}

// show prints the deltas of a stream of server-sent events.
func show(stream io.Reader) error {
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, 64<<20) // the last event has the whole text
	for lines.Scan() {
		if !strings.HasPrefix(lines.Text(), "data: ") {
			continue
		}
		data := strings.TrimPrefix(lines.Text(), "data: ")
		if data == "[DONE]" {
			fmt.Println()
			return nil
		}
		var told event
		if err := json.Unmarshal([]byte(data), &told); err != nil {
			return err
		}
		if told.Error != nil {
			return errors.New(told.Error.Message)
		}
		if told.Type == "transcript.text.delta" {
			fmt.Print(told.Delta)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return errors.New("the stream ended before its last event")
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
