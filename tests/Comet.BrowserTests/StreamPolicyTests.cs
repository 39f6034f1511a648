using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;

namespace Comet.BrowserTests;

public class StreamPolicyTests(Site site, TestBrowsers browsers) : IClassFixture<Site>
{
    [Fact]
    public async Task A_stream_runs_no_script_but_its_own()
    {
        var page = await browsers.OpenTabAsync();
        await page.GotoAsync(site.Url + "/test/empty");
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
