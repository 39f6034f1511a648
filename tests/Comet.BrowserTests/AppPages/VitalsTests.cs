using Comet.AspNetCore;
using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;
using CometApp.Feeds;
using CometApp.Models;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Playwright;

namespace Comet.BrowserTests.AppPages;

[Trait("Category", "Matrix")]
public class VitalsTests(TestBrowsers browsers, ITestOutputHelper output)
{
    // In one run of 50,000 the counts were the same.
    private const int Count = 5_000;

    [Fact]
    public async Task A_page_that_is_left_open_does_not_grow()
    {
        await using var app = new App(services =>
            services.Remove(services.Single(service => service.ImplementationType == typeof(VitalsSampler))));
        var feed = app.Services.GetRequiredService<Feed<Vitals>>();
        var published = 0;
        var page = await browsers.OpenTabAsync();
        await page.AddInitScriptAsync("""
            window.messages = 0;
            const dispatch = EventTarget.prototype.dispatchEvent;
            EventTarget.prototype.dispatchEvent = function (event) {
              if (event.type === 'message') messages++;
              return dispatch.call(this, event);
            };
            """);
        await page.GotoAsync(app.Url + "/vitals");
        await page.WaitForSelectorAsync("#connection[data-state=live]");
        var developerTools = await page.Context.NewCDPSessionAsync(page);

        await ReceiveAsync(1_000);
        var before = await developerTools.CountAsync();
        await ReceiveAsync(Count);
        var after = await developerTools.CountAsync();

        output.WriteLine($"after  1000: {before}");
        output.WriteLine($"after {Count}: {after}");
        Assert.InRange(after.Nodes, 1, before.Nodes + 10);
        Assert.InRange(after.Documents, 1, before.Documents);
        Assert.InRange(after.Listeners, 1, before.Listeners);
        Assert.InRange(after.HeapBytes, 1, 1.2 * before.HeapBytes);
        await page.CloseAsync();

        // The feed may leave messages out, so that what was published does not tell what came.
        async Task ReceiveAsync(int count)
        {
            while (await page.EvaluateAsync<int>("() => messages") < count)
            {
                for (var i = 0; i < 100; i++)
                {
                    await feed.PublishAsync(new Vitals(
                        DateTimeOffset.UnixEpoch, published % 100, published * 1024L, published * 512L, ++published));
                }
                await page.WaitForFunctionAsync("last => document.getElementById('streams').textContent === `${last}`", published);
            }
        }
    }
}
