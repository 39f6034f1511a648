using System.Net;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Testing.Tests;

public class KestrelApplicationFactoryTests
{
    [Fact]
    public async Task Each_app_has_a_port_of_its_own_that_anybody_reaches()
    {
        await using var one = new KestrelApplicationFactory<Program>();
        await using var other = new KestrelApplicationFactory<Program>();
        using var client = new HttpClient();

        Assert.Matches(@"^http://127\.0\.0\.1:\d+$", one.Url);
        Assert.NotEqual(one.Url, other.Url);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(one.Url + "/health/live")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await other.CreateClient().GetAsync("/health/live")).StatusCode);
    }

    [Fact]
    public async Task Tests_that_ask_at_once_start_one_app()
    {
        await using var app = new KestrelApplicationFactory<Program>();

        var urls = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => app.Url)));

        Assert.Single(urls.Distinct());
    }

    [Fact]
    public async Task Only_warnings_and_errors_are_logged()
    {
        await using var app = new KestrelApplicationFactory<Program>();

        var log = app.Services.GetRequiredService<ILogger<Program>>();

        Assert.Equal((false, true), (log.IsEnabled(LogLevel.Information), log.IsEnabled(LogLevel.Warning)));
    }

    [Fact]
    public async Task What_a_subclass_configures_has_the_last_word_and_the_port_is_still_free()
    {
        await using var app = new ConfiguredApp();

        Assert.Matches(@"^http://127\.0\.0\.1:\d+$", app.Url);
        Assert.Equal("here", app.Services.GetRequiredService<IConfiguration>()["Comet:Feeds:here"]);
        Assert.True(app.Services.GetRequiredService<ILogger<Program>>().IsEnabled(LogLevel.Information));
    }

    [Fact]
    public async Task A_stream_is_read_message_by_message()
    {
        await using var app = new KestrelApplicationFactory<Program>();
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var ticks = new List<string?>();

        await foreach (var message in CometReader.ReadAsync(app.CreateClient(), "/clock/stream", cancellationToken: deadline.Token))
        {
            if (message is { Kind: CometMessageKind.Message, Callback: "parent.clockChanged" })
            {
                ticks.Add(message.Value.GetString());
            }
            if (ticks.Count == 3)
            {
                break;
            }
        }

        Assert.All(ticks, tick => Assert.Matches(@"^\d\d \d\d \d\d$", tick));
    }

    private sealed class ConfiguredApp : KestrelApplicationFactory<Program>
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder) => builder
            .UseSetting("Logging:LogLevel:Default", "Information")
            .UseSetting("Comet:Feeds:here", "here");
    }
}
