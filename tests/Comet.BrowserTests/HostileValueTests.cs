using System.Text.Encodings.Web;
using System.Text.Json;
using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.BrowserTests;

/// <summary>What arrives is what JSON.parse would give, and one message never changes, kills or delays another.</summary>
public class HostileValueTests(TestBrowsers browsers, ITestOutputHelper output)
{
    private static readonly JsonSerializerOptions Strict = new() { MaxDepth = 2_000 };

    [Theory]
    [InlineData(BrowserKind.Chromium, "strings", Reader.Frame, "default")]
    [InlineData(BrowserKind.Chromium, "strings", Reader.CometSource, "relaxed")]
    [InlineData(BrowserKind.Chromium, "json", Reader.Frame, "default")]
    [InlineData(BrowserKind.Chromium, "json", Reader.Frame, "relaxed")]
    [InlineData(BrowserKind.Chromium, "json", Reader.CometSource, "relaxed")]
    [InlineData(BrowserKind.Firefox, "json", Reader.Frame, "relaxed", Traits = ["Category", "Matrix"])]
    [InlineData(BrowserKind.Firefox, "json", Reader.CometSource, "relaxed", Traits = ["Category", "Matrix"])]
    public async Task Every_value_arrives_as_JSON_parse_gives_it_and_so_does_the_next(
        BrowserKind kind, string stream, Reader reader, string escaping)
    {
        await using var site = new Site(services => services.Configure<JsonOptions>(options =>
        {
            options.JsonSerializerOptions.Encoder = escaping == "relaxed" ? JavaScriptEncoder.UnsafeRelaxedJsonEscaping : null;
            options.JsonSerializerOptions.MaxDepth = Strict.MaxDepth;
        }));
        object?[] values = stream == "strings" ? HostileValues.AllStrings : [.. HostileValues.AllStrings, .. HostileValues.Objects];
        var expected = values.Select(value => JsonSerializer.Serialize(value, Strict)).ToArray();
        var page = await browsers.OpenTabAsync(kind);
        await page.GotoAsync(site.Url + "/test/empty");

        await page.EvaluateAsync("""
            ([url, reader]) => {
              window.arrived = [];
              window.received = value => arrived.push(value);
              window.alert = () => arrived.push('ALERT');
              if (reader === 'CometSource') new CometSource(url).onmessage = event => received(event.data);
              else document.body.append(Object.assign(document.createElement('iframe'), { src: url }));
            }
            """, new[] { $"/test/streams/{stream}", reader.ToString() });
        await page.WaitForFunctionAsync("count => arrived.length >= count", 2 * values.Length);

        var verdicts = await page.EvaluateJsonAsync<Verdict[]>("""
            expected => {
              const same = (a, b) => typeof a !== 'object' || a === null || b === null ? Object.is(a, b)
                : Array.isArray(a) === Array.isArray(b) && String(Reflect.ownKeys(a)) === String(Reflect.ownKeys(b))
                  && Reflect.ownKeys(a).every(key => same(a[key], b[key]));
              return expected.map((json, i) => ({
                isSame: same(arrived[2 * i], JSON.parse(json)),
                next: String(arrived[2 * i + 1]),
                arrived: JSON.stringify(arrived[2 * i]).replace(/[^ -~]|>/g, c => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0')),
              })).concat(arrived.length === 2 * expected.length ? []
                : { isSame: false, next: 'something more', arrived: String(arrived.length) });
            }
            """, expected);

        output.WriteLine("equal  next arrived  JSON -> arrived");
        foreach (var (json, verdict) in expected.Append("more").Zip(verdicts))
        {
            var next = YesNo(verdict.Next == TestStreamsController.Canary);
            output.WriteLine($"{YesNo(verdict.IsSame)}    {next}           {Cut(json)} -> {Cut(verdict.Arrived)}");
        }
        Assert.Equal(values.Length, verdicts.Length);
        Assert.All(verdicts, verdict => Assert.Equal((true, TestStreamsController.Canary), (verdict.IsSame, verdict.Next)));
        await page.CloseAsync();
    }

    private static string YesNo(bool value) => value ? "yes" : "NO ";

    private static string Cut(string text) => text.Length > 80 ? text[..80] + "..." : text;

    public enum Reader
    {
        Frame,
        CometSource,
    }

    private sealed record Verdict(bool IsSame, string Next, string Arrived);
}
