using System.Net;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;

namespace Comet.AspNetCore.Tests;

public class CallbackTests
{
    public static TheoryData<string> Good =>
    [
        "parent.clockChanged", "f", "$", "_", "$1._2.x3", "window.parent.parent.app.on", "parent.\u0061", new string('a', 128),
    ];

    // Kestrel itself refuses request lines of more than 8 KB.
    public static TheoryData<string> BadInRequest => [.. Bad.Select(row => row.Data).Where(callback => callback.Length < 8_000)];

    public static TheoryData<string> Bad =>
    [
        "alert(1)//", "a..b", ".a", "a.", ".", "", " ", "a b", " a", "a\n", "a;b", "a-b", "1a", "a.1", "a[0]", "a(b)", "\"a\"", "a\0",
        "a\u2028",
        "é", "parent.ключ", "parent.\ud835\udc00", "ａ", "a\\u0062", "</script>", "a<b", "a=b",
        "class", "parent.delete", "new.target", "this.f", "null", "true", "a.if.b",
        new string('a', 129), new string('a', 10_000), string.Join('.', Enumerable.Repeat("a", 5_000)),
    ];

    [Theory, MemberData(nameof(Good))]
    public void A_path_of_identifiers_is_a_callback(string callback)
    {
        Assert.NotNull(CometResults.String(AsyncEnumerable.Empty<string>(), callback));
        Assert.NotNull(CometResults.Json(AsyncEnumerable.Empty<int>(), callback));
        Assert.NotNull(CometResults.Raw(AsyncEnumerable.Empty<ReadOnlyMemory<byte>>(), callback));
    }

    [Theory, MemberData(nameof(Bad))]
    public void Anything_else_is_rejected_with_a_message_that_helps_and_repeats_nothing(string callback)
    {
        foreach (var create in (Func<CometResult>[])[
            () => CometResults.String(AsyncEnumerable.Empty<string>(), callback),
            () => CometResults.Json(AsyncEnumerable.Empty<int>(), callback),
            () => CometResults.Raw(AsyncEnumerable.Empty<ReadOnlyMemory<byte>>(), callback)])
        {
            var exception = Assert.Throws<ArgumentException>(create);

            Assert.Equal("callback", exception.ParamName);
            Assert.Contains("dotted path of JavaScript identifiers", exception.Message);
            Assert.Contains("parent.clockChanged", exception.Message);
            Assert.InRange(exception.Message.Length, 1, 400);
        }
    }

    [Fact]
    public void Null_is_rejected()
    {
        Assert.Throws<ArgumentNullException>("callback", () => CometResults.String(AsyncEnumerable.Empty<string>(), null!));
        Assert.Throws<ArgumentNullException>("source", () => CometResults.String(null!, "f"));
        Assert.Throws<ArgumentNullException>("feed", () => CometResults.Feed<int>(null!, "f"));
    }

    [Theory]
    [InlineData("parent.f")]
    [InlineData("frameElement.other")]
    public async Task A_request_may_name_the_function_of_the_action_or_one_of_the_frame(string callback)
    {
        await using var app = await StartAsync();
        await using var stream = await app.OpenAsync("/?callback=" + callback);

        Assert.Equal(callback, (await stream.RestAsync())[1].Callback);
    }

    [Theory, MemberData(nameof(BadInRequest))]
    [InlineData("other")]
    [InlineData("parent")]
    [InlineData("parent.other")]
    [InlineData("parent.eval")]
    [InlineData("parent.location")]
    [InlineData("frameElement.remove")]
    [InlineData("parent.a.b")]
    [InlineData("window.alert")]
    [InlineData("top.f")]
    [InlineData("document.write")]
    [InlineData("parent.f&callback=parent.f")]
    public async Task A_request_for_anything_else_is_a_400_that_repeats_nothing(string callback)
    {
        await using var app = await StartAsync();
        var query = callback.Contains("&callback=") ? callback : Uri.EscapeDataString(callback);

        using var response = await app.GetAsync("/?callback=" + query);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("text/plain", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(
            "The callback must be this stream's own, or \"frameElement.\" and a name that no frame has by itself, " +
            "at most 128 characters in all.",
            await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    private static Task<TestApp> StartAsync() => TestApp.StartAsync(app => app.MapGet("/", () => CometResults.String(One(), "parent.f")));

    private static async IAsyncEnumerable<string> One()
    {
        await Task.Yield();
        yield return "1";
    }
}
