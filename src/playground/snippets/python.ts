import { KEY_VARIABLE, type Language, LOGITS_FILE, settingsOf } from './snippet.ts'

/** A JSON value as Python writes it. */
function literal(value: unknown): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value !== 'object') return JSON.stringify(value)
  const entries = Object.entries(value).map(
    ([key, one]) => `${JSON.stringify(key)}: ${literal(one)}`,
  )
  return `{${entries.join(', ')}}`
}

export const python: Language = {
  name: 'Python',
  file: 'sample.py',
  write(call) {
    const { origin, logits, vocabSize, hasKeys } = call
    const key = hasKeys ? `, "Authorization": "Bearer " + os.environ["${KEY_VARIABLE}"]` : ''
    const settings = Object.entries(settingsOf(call)).map(
      ([name, value]) => `    ${JSON.stringify(name)}: ${literal(value)},\n`,
    )
    const fromFile = logits === undefined
    const tensor = `{"dtype": "float32", "shape": [${vocabSize}], "data": data}`
    return [
      fromFile ? 'import base64\n' : '',
      `import json\n${hasKeys ? 'import os\n' : ''}import urllib.request\n\n`,
      fromFile
        ? `with open("${LOGITS_FILE}", "rb") as file:\n    data = base64.b64encode(file.read()).decode()\n\n`
        : '',
      `request = {\n    "logits": ${fromFile ? tensor : logits},\n${settings.join('')}}\n`,
      `call = urllib.request.Request(\n    "${origin}/v1/sample",\n    json.dumps(request).encode(),\n`,
      `    {"Content-Type": "application/json"${key}},\n)\n`,
      'with urllib.request.urlopen(call) as response:\n    answer = json.load(response)\n',
      'result = answer["results"][0]\n',
      'print(result["token_ids"], result["kept_count"], result["entropy"])\n',
    ].join('')
  },
}
