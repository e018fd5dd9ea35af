import { lines, object } from './json.ts'
import { KEY_VARIABLE, type Language, LOGITS_FILE, settingsOf } from './snippet.ts'

export const curl: Language = {
  name: 'curl',
  file: 'sample.sh',
  write(request) {
    const { origin, logits, vocabSize, hasKeys } = request
    const fields = settingsOf(request)
    const key = hasKeys ? ` -H "Authorization: Bearer $${KEY_VARIABLE}"` : ''
    const call = `curl -s '${origin}/v1/sample'${key} -H 'Content-Type: application/json'`
    if (logits !== undefined) {
      const body = object([`  "logits": ${logits}`, ...lines(fields, '  ')])
      return `${call} -d '${body.replaceAll("'", `'\\''`)}'\n`
    }
    // Escapes what a shell would expand, except the command that reads the file.
    const settings = lines(fields, '  ').map((line) => line.replace(/[\\$`]/g, '\\$&'))
    const data = `"$(base64 < ${LOGITS_FILE} | tr -d '\\n')"`
    const tensor = `{"dtype": "float32", "shape": [${vocabSize}], "data": ${data}}`
    return `${call} --data-binary @- <<END\n${object([`  "logits": ${tensor}`, ...settings])}\nEND\n`
  },
}
