import { lines, object } from './json.ts'
import { KEY_VARIABLE, type Language, LOGITS_FILE, settingsOf } from './snippet.ts'

/** A string in Rust that needs no escapes. */
function raw(text: string): string {
  let marks = '#'
  while (text.includes(`"${marks}`)) marks += '#'
  return `r${marks}"${text}"${marks}`
}

const readLogits = `fn read_logits(path: &str) -> Result<String> {
    let bytes = std::fs::read(path)?;
    let logits = bytes.chunks_exact(4).map(|word| f32::from_le_bytes(word.try_into().unwrap()));
    let numbers = logits.map(|logit| match logit {
        f32::NEG_INFINITY => "\\"-Infinity\\"".to_string(),
        logit => logit.to_string(),
    });
    Ok(format!("[{}]", numbers.collect::<Vec<_>>().join(",")))
}

`

/** A program with the standard library alone, which prints the answer. */
export const rust: Language = {
  name: 'Rust',
  file: 'sample.rs',
  write(call) {
    const { origin, logits, hasKeys } = call
    const isInFile = logits === undefined
    const { hostname, port, host } = new URL(origin)
    const address = port ? host : `${hostname}:80`
    const settings = lines(settingsOf(call), '  ')
    const body = object([`  "logits": ${isInFile ? 'LOGITS' : logits}`, ...settings])
    return [
      '// rustc --edition 2021 sample.rs\nuse std::io::{Read, Result, Write};\nuse std::net::TcpStream;\n\n',
      `const REQUEST: &str = ${raw(body)};\n\n`,
      isInFile ? readLogits : '',
      'fn main() -> Result<()> {\n',
      isInFile
        ? `    let body = REQUEST.replacen("LOGITS", &read_logits("${LOGITS_FILE}")?, 1);\n`
        : '    let body = REQUEST;\n',
      hasKeys
        ? `    let key = std::env::var("${KEY_VARIABLE}").unwrap_or_default();\n    let key = format!("Authorization: Bearer {key}\\r\\n");\n`
        : '    let key = "";\n',
      `    let mut stream = TcpStream::connect("${address}")?;\n`,
      '    let length = body.len();\n    write!(\n        stream,\n',
      `        "POST /v1/sample HTTP/1.1\\r\\nHost: ${host}\\r\\nConnection: close\\r\\n{key}\\\n`,
      '         Content-Type: application/json\\r\\nContent-Length: {length}\\r\\n\\r\\n{body}"\n    )?;\n',
      '    let mut answer = String::new();\n    stream.read_to_string(&mut answer)?;\n',
      '    println!("{}", answer.split_once("\\r\\n\\r\\n").map_or("", |(_, body)| body));\n    Ok(())\n}\n',
    ].join('')
  },
}
