using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;

namespace Comet.BrowserTests;

[Trait("Category", "Matrix")]
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

    [Theory]
    [InlineData(BrowserKind.Chromium)]
    [InlineData(BrowserKind.Firefox)]
    public async Task A_native_event_source_stops_after_the_end_of_a_sequence(BrowserKind kind)
    {
        var page = await browsers.OpenTabAsync(kind);
        await page.GotoAsync(site.Url + "/test/empty");

        await page.EvaluateAsync("""
            url => {
              window.opened = 0;
              window.source = new EventSource(url);
              source.onopen = () => opened++;
            }
            """, "/test/streams/strings");

        await page.WaitForFunctionAsync("() => source.readyState === EventSource.CLOSED");
        Assert.Equal(1, await page.EvaluateAsync<int>("() => opened"));
        await page.CloseAsync();
    }

    [Theory]
    [InlineData(BrowserKind.Chromium)]
    [InlineData(BrowserKind.Firefox)]
    public async Task A_request_reaches_nothing_that_a_frame_can_do_by_itself(BrowserKind kind)
    {
        var page = await browsers.OpenTabAsync(kind);
        await page.GotoAsync(site.Url + "/test/empty");

        var accepted = await page.EvaluateAsync<string[]>("""
            async url => {
              const frame = document.body.appendChild(document.createElement('iframe'));
              const names = new Set();
              for (let object = frame; object; object = Object.getPrototypeOf(object)) {
                for (const name of Object.getOwnPropertyNames(object)) {
                  if (typeof frame[name] === 'function') names.add(name);
                }
              }
              if (names.size < 80) throw new Error(`only ${names.size}`);
              const accepted = [];
              for (const name of names) {
                const answer = await fetch(`${url}?callback=frameElement.${name}`);
                await answer.body.cancel();
                if (answer.status !== 400) accepted.push(name);
              }
              return accepted;
            }
            """, "/test/streams/first-chunk");

        Assert.Empty(accepted);
        await page.CloseAsync();
    }
}
