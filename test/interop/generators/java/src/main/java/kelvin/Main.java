package kelvin;

import java.io.File;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.util.List;
import java.util.Objects;
import kelvin.api.SamplingApi;
import kelvin.model.Dtype;
import kelvin.model.Logit;
import kelvin.model.Logits;
import kelvin.model.NegativeInfinity;
import kelvin.model.Problem;
import kelvin.model.ProblemCode;
import kelvin.model.SampleRequest;
import kelvin.model.SampleResult;
import kelvin.model.Tensor;
import kelvin.model.Uint64;

/** Uses the client that openapi-generator makes of the document. */
public final class Main {
  private static void expect(Object got, Object wanted) {
    if (!Objects.equals(got, wanted)) {
      throw new AssertionError("got " + got + ", expected " + wanted);
    }
  }

  public static void main(String[] arguments) throws Exception {
    SamplingApi api =
        new SamplingApi(new ApiClient().setBasePath(System.getenv("KELVIN_URL")));
    ByteBuffer row = ByteBuffer.allocate(20).order(ByteOrder.LITTLE_ENDIAN);
    double sum = 0;
    for (float logit : new float[] {2, 1, 0.5f, -1, -3}) {
      row.putFloat(logit);
      sum += Math.exp(logit / 0.8);
    }
    // The logprob of token 1 at temperature 0.8. The seed 42 draws this token.
    double logprob = 1 / 0.8 - Math.log(sum);

    // JSON
    Tensor tensor =
        new Tensor().dtype(Dtype.FLOAT32).shape(List.of(5L)).data(row.array());
    SampleRequest request =
        new SampleRequest()
            .logits(new Logits(tensor))
            .temperature(0.8)
            .seed(new Uint64(42L));
    SampleResult result = api.sampleWithJson(request).execute().getResults().get(0);
    expect(result.getTokenIds(), List.of(1));
    expect(Math.abs(result.getLogprobs().get(0) - logprob) < 1e-12, true);
    expect(result.getSeed(), "42");

    // Bytes, with the rest in the query
    File file = File.createTempFile("kelvin", ".f32");
    file.deleteOnExit();
    Files.write(file.toPath(), row.array());
    result =
        api.sampleWithOctetStream(file)
            .temperature(0.8)
            .seed("42")
            .shape(List.of(1L, 5L))
            .logprobTokenIds(List.of(0, 4))
            .execute()
            .getResults()
            .get(0);
    expect(result.getTokenIds(), List.of(1));
    expect(result.getScored().getRanks(), List.of(1L, 5L));

    // An error is the problem document.
    try {
      Logits list = new Logits(List.of(new Logit(2.0), new Logit(NegativeInfinity._INFINITY)));
      api.sampleWithJson(request.logits(list).temperature(-1.0)).execute();
      throw new AssertionError("no error");
    } catch (ApiException error) {
      expect(error.getCode(), 400);
      Problem problem = Problem.fromJson(error.getResponseBody());
      expect(problem.getCode(), ProblemCode.INVALID_REQUEST);
      expect(problem.getErrors().get(0).getPointer(), "/temperature");
    }
  }
}
