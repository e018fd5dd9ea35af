import { lines, object } from './json.ts'
import { KEY_VARIABLE, type Language, LOGITS_FILE, settingsOf } from './snippet.ts'

const fromFile = `static std::string readLogits(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::string numbers;
  for (float logit; file.read(reinterpret_cast<char*>(&logit), sizeof logit);) {
    char text[32];
    std::snprintf(text, sizeof text, std::isinf(logit) ? "\\"-Infinity\\"" : "%.9g", logit);
    numbers += (numbers.empty() ? "" : ",") + std::string(text);
  }
  return "[" + numbers + "]";
}

`

const append = `static size_t append(char* data, size_t, size_t length, void* text) {
  static_cast<std::string*>(text)->append(data, length);
  return length;
}

`

/** A string in C++ that needs no escapes. A delimiter that the text contains would end it. */
function raw(text: string): string {
  let delimiter = 'json'
  while (text.includes(`)${delimiter}"`)) delimiter += '_'
  return `R"${delimiter}(${text})${delimiter}"`
}

/** A program with libcurl, which prints the answer. */
export const cpp: Language = {
  name: 'C++',
  file: 'sample.cpp',
  write(call) {
    const { origin, logits, hasKeys } = call
    const isInFile = logits === undefined
    const settings = lines(settingsOf(call), '  ')
    const request = isInFile
      ? `${raw('{\n  "logits": ')} + readLogits("${LOGITS_FILE}") + ${raw(`${settings.map((line) => `,\n${line}`).join('')}\n}`)}`
      : raw(object([`  "logits": ${logits}`, ...settings]))
    const includes = isInFile ? ['cmath', 'cstdio', 'cstdlib', 'fstream'] : ['cstdio', 'cstdlib']
    return [
      '// c++ -std=c++20 sample.cpp -lcurl -o sample\n#include <curl/curl.h>\n\n',
      ...[...includes, 'string'].map((name) => `#include <${name}>\n`),
      '\n',
      isInFile ? fromFile : '',
      append,
      `int main() {\n  const std::string request = ${request};\n`,
      '  std::string answer;\n  CURL* curl = curl_easy_init();\n',
      '  curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");\n',
      hasKeys
        ? `  const char* key = std::getenv("${KEY_VARIABLE}");\n  const auto authorization = std::string("Authorization: Bearer ") + (key ? key : "");\n  headers = curl_slist_append(headers, authorization.c_str());\n`
        : '',
      `  curl_easy_setopt(curl, CURLOPT_URL, "${origin}/v1/sample");\n`,
      '  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);\n',
      '  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.c_str());\n',
      '  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);\n',
      '  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);\n',
      '  const CURLcode code = curl_easy_perform(curl);\n',
      '  std::puts(code == CURLE_OK ? answer.c_str() : curl_easy_strerror(code));\n',
      '  curl_slist_free_all(headers);\n  curl_easy_cleanup(curl);\n',
      '  return code == CURLE_OK ? 0 : 1;\n}\n',
    ].join('')
  },
}
