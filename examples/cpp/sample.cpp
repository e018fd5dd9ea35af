// Draws a token from a row of float32 with libcurl: sample ROW [URL]. The URL of a Unix socket is like
// unix:/run/kelvin/kelvin.sock. A program with more dependencies would use a JSON library.
#include <curl/curl.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

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

// Samples one row, and returns Kelvin's answer as JSON. The handle keeps its connection between calls.
static std::string sample(CURL* curl, const std::vector<float>& logits, int retries = 3) {
  std::string answer;
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, reinterpret_cast<const char*>(logits.data()));
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(logits.size() * sizeof(float)));
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
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
  return sample(curl, logits, retries - 1);
}

int main(int count, char** arguments) try {
  if (count < 2) throw std::runtime_error("ROW is missing: a file of float32");
  std::ifstream file(arguments[1], std::ios::binary);
  if (!file) throw std::runtime_error(std::string("cannot read ") + arguments[1]);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<float> logits(bytes.size() / sizeof(float));
  bytes.copy(reinterpret_cast<char*>(logits.data()), logits.size() * sizeof(float));

  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  std::string url = count > 2 ? arguments[2] : "http://localhost:27315";
  if (url.starts_with("unix:")) {
    curl_easy_setopt(curl.get(), CURLOPT_UNIX_SOCKET_PATH, url.c_str() + 5);
    url = "http://localhost";
  }
  url += "/v1/sample?temperature=0.8&top_p=0.95&seed=42&return_probabilities=none";
  curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/octet-stream");
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers);
  const auto answer = sample(curl.get(), logits);
  std::printf("token %s, logprob %.4f\n", find(answer, "token_ids").c_str(),
              std::stod(find(answer, "logprobs")));
  curl_slist_free_all(headers);
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
