import { lines, object } from './json.ts'
import { KEY_VARIABLE, type Language, LOGITS_FILE, settingsOf } from './snippet.ts'

const answer = `	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		problem, _ := io.ReadAll(response.Body)
		log.Fatal(string(problem))
	}
	var answer struct {
		Results []struct {
			TokenIDs  []int   \`json:"token_ids"\`
			KeptCount int     \`json:"kept_count"\`
			Entropy   float64 \`json:"entropy"\`
		} \`json:"results"\`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		log.Fatal(err)
	}
	result := answer.Results[0]
	fmt.Println(result.TokenIDs, result.KeptCount, result.Entropy)
}
`

const fromFile = `	bytes, err := os.ReadFile("${LOGITS_FILE}")
	if err != nil {
		log.Fatal(err)
	}
	data := base64.StdEncoding.EncodeToString(bytes)
	request := strings.Replace(request, "LOGITS", data, 1)
`

export const go: Language = {
  name: 'Go',
  file: 'sample.go',
  write(call) {
    const { origin, logits, vocabSize, hasKeys } = call
    const fields = settingsOf(call)
    const inFile = logits === undefined
    const tensor = `{"dtype": "float32", "shape": [${vocabSize}], "data": "LOGITS"}`
    const body = object([`  "logits": ${inFile ? tensor : logits}`, ...lines(fields, '  ')])
    const imports = ['encoding/json', 'fmt', 'io', 'log', 'net/http', 'strings']
    if (inFile) imports.push('encoding/base64')
    if (inFile || hasKeys) imports.push('os')
    const key = hasKeys
      ? `\tcall.Header.Set("Authorization", "Bearer "+os.Getenv("${KEY_VARIABLE}"))\n`
      : ''
    return [
      'package main\n\nimport (\n',
      ...imports.sort().map((name) => `\t"${name}"\n`),
      // Go's raw strings end at a backtick.
      `)\n\nconst request = \`${body.replaceAll('`', '\\u0060')}\`\n\nfunc main() {\n`,
      inFile ? fromFile : '',
      `\tcall, err := http.NewRequest("POST", "${origin}/v1/sample", strings.NewReader(request))\n`,
      '\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n',
      `\tcall.Header.Set("Content-Type", "application/json")\n${key}`,
      '\tresponse, err := http.DefaultClient.Do(call)\n',
      answer,
    ].join('')
  },
}
