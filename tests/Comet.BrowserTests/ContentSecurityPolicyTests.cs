using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;

namespace Comet.BrowserTests;

public class ContentSecurityPolicyTests(App app, BrowserFixture browsers) : IClassFixture<App>
{
    [Theory]
    [InlineData(BrowserKind.Chromium)]
    [InlineData(BrowserKind.Firefox)]
    public async Task Only_scripts_with_the_nonce_of_the_response_run(BrowserKind kind)
    {
        var page = await browsers.OpenTabAsync(kind);
        await page.GotoAsync(app.Url + "/test/scripts");
        await page.ClickAsync("p");
        await page.EvaluateAsync("() => document.body.append(Object.assign(document.createElement('script'), { text: \"ran.push('inserted')\" }))");

        await page.WaitForFunctionAsync("() => blocked.length >= 4");

        Assert.Equal(["nonce"], await page.EvaluateAsync<string[]>("() => ran"));
        Assert.Equal(
            ["script-src-attr", "script-src-elem", "script-src-elem", "script-src-elem"],
            (await page.EvaluateAsync<string[]>("() => blocked")).Order());
        await page.CloseAsync();
    }

    [Fact]
    public async Task A_stream_runs_no_script_but_its_own()
    {
        var page = await browsers.OpenTabAsync();
        await page.GotoAsync(app.Url + "/test/empty");
        await page.EvaluateAsync("""
            url => {
              window.arrived = [];
              window.received = value => arrived.push(value);
              document.body.append(Object.assign(document.createElement('iframe'), { src: url }));
            }
            """, "/test/streams/first-chunk");

        await page.WaitForFunctionAsync("() => arrived.length > 0");

        Assert.Equal(["from the stream"], await page.EvaluateAsync<string[]>("() => arrived"));
        await page.CloseAsync();
    }
}
