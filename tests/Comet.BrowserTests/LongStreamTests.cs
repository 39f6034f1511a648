using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;

namespace Comet.BrowserTests;

/// <summary>A stream may last for days: the page that reads it must not grow.</summary>
[Trait("Category", "Matrix")]
public class LongStreamTests(Site site, TestBrowsers browsers, ITestOutputHelper output) : IClassFixture<Site>
{
    private const int Count = 5_000;

    [Theory]
    [InlineData(BrowserKind.Chromium)]
    [InlineData(BrowserKind.Firefox)]
    public async Task The_frame_has_as_many_nodes_after_many_messages_as_after_the_first(BrowserKind kind)
    {
        var page = await browsers.OpenTabAsync(kind);
        await page.GotoAsync(site.Url + "/test/empty");
        await page.EvaluateAsync("""
            ([url, count]) => {
              const frame = document.createElement('iframe');
              const nodes = () => {
                const walker = frame.contentDocument.createTreeWalker(frame.contentDocument);
                let n = 1;
                while (walker.nextNode()) n++;
                return n;
              };
              window.arrived = 0;
              window.inOrder = true;
              window.received = number => {
                inOrder &&= number === ++arrived;
                if (arrived === 100) window.nodesEarly = nodes();
                if (arrived === count) setTimeout(() => { window.nodesLate = nodes(); });
              };
              frame.src = url;
              document.body.append(frame);
            }
            """, new object[] { $"/test/streams/numbers/{Count}", Count });

        await page.WaitForFunctionAsync("() => window.nodesLate > 0");

        var early = await page.EvaluateAsync<int>("() => nodesEarly");
        var late = await page.EvaluateAsync<int>("() => nodesLate");
        output.WriteLine($"{kind}: {early} nodes after 100 messages, {late} after {Count}");
        Assert.True(await page.EvaluateAsync<bool>("() => inOrder"));
        Assert.InRange(late, 1, 20);
        await page.CloseAsync();
    }

    [Fact]
    public async Task What_leaves_the_frame_is_not_kept_elsewhere()
    {
        var page = await browsers.OpenTabAsync();
        await page.GotoAsync(site.Url + "/test/empty");
        var developerTools = await page.Context.NewCDPSessionAsync(page);
        await page.EvaluateAsync("() => { window.arrived = 0; window.received = () => ++arrived; }");

        var before = (await developerTools.CountAsync()).Nodes;
        await page.EvaluateAsync(
            "url => { document.body.append(Object.assign(document.createElement('iframe'), { src: url })); }",
            $"/test/streams/numbers/{Count}");
        await page.WaitForFunctionAsync("count => arrived === count", Count);
        var after = (await developerTools.CountAsync()).Nodes;

        output.WriteLine($"{before} nodes in memory without the frame, {after} after {Count} messages");
        Assert.InRange(after, before, before + 50);
        await page.CloseAsync();
    }
}
