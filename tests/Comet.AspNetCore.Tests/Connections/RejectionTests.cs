using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Connections;

/// <summary>What a request gets that gets no stream.</summary>
public class RejectionTests
{
    private const string Echo = "<script>echo</script>";

    [Theory]
    [InlineData("callback", 400)]
    [InlineData("lastEventId", 400)]
    [InlineData("since", 400)]
    [InlineData("last", 400)]
    [InlineData("wait", 400)]
    [InlineData("feed", 400)]
    [InlineData("other", 403)]
    [InlineData("other", 503)]
    public async Task Is_a_sentence_of_plain_text_that_repeats_nothing_of_the_request(string parameter, int status)
    {
        await using var app = await TestApp.StartAsync(
            app => app.MapMethods("/", ["GET", "HEAD"], (Feed<string> news) => CometResults.Feeds([news], "parent.f")),
            builder =>
            {
                builder.Configuration["Comet:MaxStreams"] = "1";
                builder.Services.AddFeed<string>("news");
            });
        await using var open = status == 503 ? await app.OpenAsync("/") : null;

        // A HEAD request takes no place.
        foreach (var method in (HttpMethod[])(status == 503 ? [HttpMethod.Get] : [HttpMethod.Get, HttpMethod.Head]))
        {
            using var request = new HttpRequestMessage(method, $"/?{parameter}={Uri.EscapeDataString(Echo)}");
            request.Headers.Add("Sec-Fetch-Site", status == 403 ? "cross-site" : "same-origin");
            using var answer = await app.Client.SendAsync(request, TestContext.Current.CancellationToken);

            Assert.Equal(status, (int)answer.StatusCode);
            Assert.Equal("text/plain; charset=utf-8", answer.Content.Headers.ContentType?.ToString());
            Assert.Equal(["nosniff"], answer.Headers.GetValues("X-Content-Type-Options"));
            var body = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            Assert.Equal(method == HttpMethod.Head, body.Length == 0);
            Assert.DoesNotContain("echo", body + answer.Headers, StringComparison.Ordinal);
        }
    }
}
