// Draws a token from a row of float32 with libcurl: sample ROW [URL [DIRECTORY]]. The URL of a Unix socket is like
// unix:/run/kelvin/kelvin.sock. With DIRECTORY, the server's SHARED_MEMORY_DIR, only the name of a file is sent.
#include <curl/curl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>

// The first value after a name in JSON without spaces, which is the form of Kelvin's answers.
static std::string find(const std::string& json, const std::string& name) {
  const auto at = json.find("\"" + name + "\":");
  if (at == std::string::npos) return "";
  const auto begin = json.find_first_not_of('[', at + name.size() + 3);
  return json.substr(begin, json.find_first_of(",]}", begin) - begin);
}

static size_t append(char* data, size_t, size_t length, void* text) {
  static_cast<std::string*>(text)->append(data, length);
  return length;
}

// Posts a body, and returns Kelvin's answer as JSON. The handle keeps its connection between calls.
static std::string post(CURL* curl, const std::string& body, int retries = 3) {
  std::string answer;
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.size()));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
  if (const auto code = curl_easy_perform(curl)) throw std::runtime_error(curl_easy_strerror(code));
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (status == 200) return answer;
  if (status != 503 || retries == 0) {
    throw std::runtime_error(std::to_string(status) + ": " + answer);
  }
  // A retry is safe: nothing was drawn before the refusal, and with a seed the answer is the same.
  curl_off_t seconds = 1;
  curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &seconds);
  sleep(unsigned(seconds));
  return post(curl, body, retries - 1);
}

// Writes a row into a new file that only this user may open. A model server would keep one, and map it.
static std::string share(const std::string& directory, const std::string& row) {
  auto path = directory + "/row-XXXXXX";
  const int file = mkstemp(path.data());
  const bool isWritten = write(file, row.data(), row.size()) == ssize_t(row.size());
  close(file);
  if (isWritten) return path;
  unlink(path.c_str());
  throw std::runtime_error("cannot write into " + directory);
}

int main(int count, char** arguments) try {
  if (count < 2) throw std::runtime_error("ROW is missing: a file of float32");
  std::ifstream file(arguments[1], std::ios::binary);
  if (!file) throw std::runtime_error(std::string("cannot read ") + arguments[1]);
  std::string body{std::istreambuf_iterator<char>(file), {}};
  const auto path = count > 3 ? share(arguments[3], body) : "";
  const std::unique_ptr<const char, int (*)(const char*)> removal(path.c_str(), unlink);
  if (count > 3) {
    const auto shape = std::to_string(body.size() / sizeof(float));
    const auto name = path.substr(path.rfind('/') + 1);
    body = R"({"logits":{"dtype":"float32","shape":[)" + shape + R"(],"shared_memory":{"name":")" + name + R"("}}})";
  }
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  std::string url = count > 2 ? arguments[2] : "http://localhost:27315";
  if (url.starts_with("unix:")) {
    curl_easy_setopt(curl.get(), CURLOPT_UNIX_SOCKET_PATH, url.c_str() + 5);
    url = "http://localhost";
  }
  url += "/v1/sample?temperature=0.8&top_p=0.95&seed=42&return_probabilities=none";
  const auto type = count > 3 ? "Content-Type: application/json" : "Content-Type: application/octet-stream";
  curl_slist* headers = curl_slist_append(nullptr, type);
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers);
  const auto answer = post(curl.get(), body);
  std::printf("token %s, logprob %.4f\n", find(answer, "token_ids").c_str(),
              std::stod(find(answer, "logprobs")));
  curl_slist_free_all(headers);
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
