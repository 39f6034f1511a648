using Comet.AspNetCore;
using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.BrowserTests.Sources;

/// <summary>Which tab has the connection that all share, and what becomes of it.</summary>
public class LeaderTests(TestBrowsers browsers)
{
    [Fact]
    public async Task A_tab_that_has_not_loaded_leads_nobody_and_follows()
    {
        await using var site = new Site();
        await using var profile = await browsers.OpenProfileAsync();
        var loading = await Reader.OpenAsync(await profile.NewPageAsync(), site.Url, News.Stream, new { shared = true }, "/test/loading");

        var loaded = await profile.OpenTabAsync(site.Url);
        await Task.WhenAll(loaded.WaitForEventAsync("open"), loading.WaitForEventAsync("open"));
        await site.PublishAsync("1");
        await Task.WhenAll(loaded.WaitForMessagesAsync(1), loading.WaitForMessagesAsync(1));

        Assert.Equal(["open 1", "message 1"], await loaded.ToldAsync());
        Assert.Equal(await loaded.ToldAsync(), await loading.ToldAsync());
        Assert.Equal("interactive", await loading.Page.EvaluateAsync<string>("() => document.readyState"));
        Assert.Equal(1, site.OpenStreams());
    }

    [Fact]
    public async Task Where_locks_are_denied_each_tab_has_its_own_connection()
    {
        await using var site = new Site();
        await using var profile = await browsers.OpenProfileAsync();

        var readers = await profile.OpenTabsAsync(site.Url, 2, PageFault.DeniedLocks);
        await site.PublishAsync("1");
        await Task.WhenAll(readers.Select(reader => reader.WaitForMessagesAsync(1)));

        Assert.Equal(2, site.OpenStreams());
        foreach (var reader in readers)
        {
            Assert.Equal(["open 1", "message 1"], await reader.ToldAsync());
            await reader.CloseSourceAsync();
        }
        await Eventually.HoldsAsync(() => site.OpenStreams() == 0, "no open stream");
    }

    [Fact]
    public async Task One_in_the_background_whose_timers_are_late_reconnects_when_it_is_asked()
    {
        await using var site = new Site(services => services.AddComet(comet => comet.Heartbeat = TimeSpan.FromMilliseconds(500)));
        await using var network = new TcpProxy(site.Url);
        await using var profile = await browsers.OpenProfileAsync();
        var leader = await profile.OpenTabAsync(network.Url, fault: PageFault.LateTimers + PageFault.Chance(1));
        await leader.WaitForEventAsync("open");
        var follower = await profile.OpenTabAsync(network.Url);
        await follower.WaitForEventAsync("open");

        await leader.Page.EvaluateAsync("() => { window.isInBackground = true; }");
        network.Cut();
        await site.PublishAsync("1");
        await follower.WaitForMessagesAsync(1);

        Assert.Equal("1", Assert.Single(await leader.ValuesAsync<News>()).Text);
        Assert.Equal(["open 1", "reconnecting 0", "error 0", "open 1", "message 1"], await follower.ToldAsync());
    }
}
