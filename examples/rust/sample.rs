//! Draws a token from a row of float32, with the standard library alone: sample ROW [URL]. The URL of a Unix socket is
//! like unix:/run/kelvin/kelvin.sock. A program with dependencies would use an HTTP client and serde_json.

use std::io::{Error, Read, Result, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::{env, fs, process, str::FromStr, thread, time::Duration};

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

fn connect(url: &str) -> Result<Box<dyn Stream>> {
    if let Some(path) = url.strip_prefix("unix:") {
        return Ok(Box::new(UnixStream::connect(path)?));
    }
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    Ok(Box::new(TcpStream::connect(address)?))
}

/// Parses the value after a text, up to the next comma, bracket or end of line.
fn after<T: FromStr>(answer: &str, text: &str) -> Option<T> {
    let (_, rest) = answer.split_once(text)?;
    rest.split([',', ']', '\r']).next()?.parse().ok()
}

/// Sends a request, and returns the whole answer with its headers.
fn post(url: &str, query: &str, body: &[u8]) -> Result<String> {
    let mut stream = connect(url)?;
    let length = body.len();
    let head = format!(
        "POST /v1/sample?{query} HTTP/1.1\r\nHost: kelvin\r\nConnection: close\r\n\
         Content-Type: application/octet-stream\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn sample(url: &str, logits: &[f32], query: &str, retries: u32) -> Result<(u32, f64)> {
    let body: Vec<u8> = logits.iter().flat_map(|x| x.to_le_bytes()).collect();
    let answer = post(url, query, &body)?;
    let token = after(&answer, "\"token_ids\":[");
    let logprob = after(&answer, "\"logprobs\":[");
    if let (Some(token), Some(logprob)) = (token, logprob) {
        return Ok((token, logprob));
    }
    if !answer.starts_with("HTTP/1.1 503") || retries == 0 {
        return Err(Error::other(answer.replace("\r\n", "; ")));
    }
    // A retry is safe: nothing was drawn before the refusal, and with a seed the answer is the same.
    let pause = after(&answer.to_lowercase(), "retry-after: ").unwrap_or(1);
    thread::sleep(Duration::from_secs(pause));
    sample(url, logits, query, retries - 1)
}

fn main() {
    let mut arguments = env::args().skip(1);
    let row = arguments.next().expect("ROW is missing: a file of float32");
    let url = arguments.next().unwrap_or("http://localhost:27315".into());
    let query = "temperature=0.8&top_p=0.95&seed=42&return_probabilities=none";
    let drawn = fs::read(row).and_then(|bytes| {
        let words = bytes.chunks_exact(4).map(|word| word.try_into().unwrap());
        let logits: Vec<f32> = words.map(f32::from_le_bytes).collect();
        sample(&url, &logits, query, 3)
    });
    match drawn {
        Ok((token, logprob)) => println!("token {token}, logprob {logprob:.4}"),
        Err(error) => {
            eprintln!("{url}: {error}");
            process::exit(1)
        }
    }
}
