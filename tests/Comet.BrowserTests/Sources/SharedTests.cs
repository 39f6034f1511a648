using Comet.AspNetCore;
using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;

namespace Comet.BrowserTests.Sources;

/// <summary>More tabs than HTTP/1.1 has connections to a host, on one connection.</summary>
public class SharedTests(TestBrowsers browsers)
{
    private const int Count = 8;

    [Fact]
    public async Task All_tabs_live_on_one_connection_and_when_its_tab_closes_another_takes_over_without_a_gap()
    {
        await using var site = new Site();
        await using var profile = await browsers.OpenProfileAsync();
        var readers = await profile.OpenTabsAsync(site.Url, Count);
        Assert.Equal(1, site.OpenStreams());
        var publishing = site.PublishAsync(Enumerable.Range(1, 500));

        for (var closed = 1; closed <= 2; closed++)
        {
            await Task.WhenAll(readers.Select(reader => reader.WaitForMessagesAsync(100 * closed)));
            var holder = await HolderAsync(readers);
            await holder.Page.CloseAsync();
            readers.Remove(holder);
        }
        await publishing;
        await Task.WhenAll(readers.Select(reader => reader.WaitForMessagesAsync(500)));

        foreach (var reader in readers)
        {
            Assert.Equal(
                Enumerable.Range(1, 500).Select(number => $"{number}"),
                (await reader.ValuesAsync<News>()).Select(news => news.Text));
            Assert.Equal(["open"], await reader.EventTypesAsync());
        }
        Assert.Equal(Count - 2, readers.Count);
        await Eventually.HoldsAsync(() => site.OpenStreams() == 1, "one open stream");
    }

    [Fact]
    public async Task After_a_cut_all_tabs_have_everything_once()
    {
        await using var site = new Site(services => services.AddComet(comet => comet.Heartbeat = TimeSpan.FromMilliseconds(500)));
        await using var network = new TcpProxy(site.Url);
        await using var profile = await browsers.OpenProfileAsync();
        var readers = await profile.OpenTabsAsync(network.Url, 3);
        var publishing = site.PublishAsync(Enumerable.Range(1, 200));
        await readers[0].WaitForMessagesAsync(50);

        network.Cut();
        await publishing;
        await Task.WhenAll(readers.Select(reader => reader.WaitForMessagesAsync(200)));

        foreach (var reader in readers)
        {
            Assert.Equal(
                Enumerable.Range(1, 200).Select(number => $"{number}"),
                (await reader.ValuesAsync<News>()).Select(news => news.Text));
            Assert.Equal(["open", "reconnecting", "error", "open"], await reader.EventTypesAsync());
        }
    }

    [Fact]
    public async Task A_tab_that_comes_later_gets_the_history_it_asks_for()
    {
        await using var site = new Site();
        await using var profile = await browsers.OpenProfileAsync();
        for (var i = 1; i <= 3; i++)
        {
            await site.PublishAsync($"{i}");
        }
        var readers = await profile.OpenTabsAsync(site.Url, 1);

        var later = await profile.OpenTabAsync(site.Url, "earliest");
        await later.WaitForMessagesAsync(3);
        await site.PublishAsync("4");
        await later.WaitForMessagesAsync(4);
        await readers[0].WaitForMessagesAsync(1);

        Assert.Equal(["1", "2", "3", "4"], (await later.ValuesAsync<News>()).Select(news => news.Text));
        Assert.Equal(["4"], (await readers[0].ValuesAsync<News>()).Select(news => news.Text));
        await Eventually.HoldsAsync(() => site.OpenStreams() == 1, "one open stream");
    }

    [Fact]
    public async Task A_restart_is_told_to_every_tab_once()
    {
        var first = new Site(services => services.AddComet(comet => comet.ReconnectSpread = TimeSpan.FromMilliseconds(500)));
        await using var network = new TcpProxy(first.Url);
        await using var profile = await browsers.OpenProfileAsync();
        var readers = await profile.OpenTabsAsync(network.Url, 3);

        await first.DisposeAsync();
        await using var second = new Site();
        network.LeadTo(second.Url);
        await Task.WhenAll(readers.Select(reader => reader.WaitForEventAsync("gap")));
        await second.PublishAsync("after");
        await Task.WhenAll(readers.Select(reader => reader.WaitForMessagesAsync(1)));

        foreach (var reader in readers)
        {
            Assert.Equal("after", Assert.Single(await reader.ValuesAsync<News>()).Text);
            Assert.Single(await reader.EventTypesAsync(), type => type == "gap");
        }
    }

    [Fact]
    public async Task A_tab_that_hangs_loses_the_connection_and_catches_up_when_it_recovers()
    {
        await using var site = new Site(services => services.AddComet(comet => comet.Heartbeat = TimeSpan.FromMilliseconds(500)));
        await using var profile = await browsers.OpenProfileAsync();
        var readers = await profile.OpenTabsAsync(site.Url, 3);
        await site.PublishAsync("1");
        await Task.WhenAll(readers.Select(reader => reader.WaitForMessagesAsync(1)));
        var holder = await HolderAsync(readers);
        readers.Remove(holder);

        var recovered = new TaskCompletionSource();
        await holder.Page.RouteAsync("**/hangs", async route =>
        {
            await recovered.Task;
            await route.FulfillAsync(new() { Status = 204 });
        });
        var hanging = holder.Page.EvaluateAsync("""
            () => {
              const request = new XMLHttpRequest();
              request.open('GET', '/hangs', false); // the page does nothing else until it is answered
              request.send();
            }
            """);
        await site.PublishAsync("2");
        await Task.WhenAll(readers.Select(reader => reader.WaitForMessagesAsync(2)));
        Assert.False(hanging.IsCompleted);
        recovered.SetResult();
        await hanging;
        await site.PublishAsync("3");
        readers.Add(holder);
        await Task.WhenAll(readers.Select(reader => reader.WaitForMessagesAsync(3)));

        foreach (var reader in readers)
        {
            Assert.Equal(["1", "2", "3"], (await reader.ValuesAsync<News>()).Select(news => news.Text));
        }
        await Eventually.HoldsAsync(() => site.OpenStreams() == 1, "one open stream");
    }

    // Between the tab that had the frame and the one that takes over, none has it.
    private static async Task<Reader> HolderAsync(IReadOnlyCollection<Reader> readers)
    {
        Reader? holder = null;
        await Eventually.HoldsAsync(async () => (holder = await FindHolderAsync(readers)) is not null, "a tab has the frame");
        return holder!;
    }

    private static async Task<Reader?> FindHolderAsync(IEnumerable<Reader> readers)
    {
        foreach (var reader in readers)
        {
            if (await reader.Page.EvaluateAsync<bool>("() => document.querySelector('iframe') !== null"))
            {
                return reader;
            }
        }
        return null;
    }
}
