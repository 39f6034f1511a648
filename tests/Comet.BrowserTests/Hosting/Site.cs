using Comet.AspNetCore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.ApplicationParts;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Comet.BrowserTests.Hosting;

/// <summary>A small site on a real Kestrel, on a port of its own: a feed, and the pages and streams in this folder.</summary>
public sealed class Site : IAsyncDisposable
{
    private readonly WebApplication _app;

    public Site()
        : this(null)
    {
    }

    /// <summary>With some services changed.</summary>
    internal Site(Action<IServiceCollection>? configure)
    {
        // The settings of the app whose pages are tested as well lie in the same folder: an empty builder does not read them.
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Logging.AddConsole().SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0").UseCometTransport();
        builder.Services.AddAuthentication();
        builder.Services.AddControllers().ConfigureApplicationPartManager(parts =>
        {
            parts.ApplicationParts.Clear();
            parts.ApplicationParts.Add(new AssemblyPart(typeof(Site).Assembly));
        });
        builder.Services.AddComet(comet => comet.Heartbeat = comet.ReconnectSpread = TimeSpan.FromSeconds(5));
        builder.Services.AddFeed<News>("news");
        Desk.AddTo(builder.Services);
        configure?.Invoke(builder.Services);

        _app = builder.Build();
        _app.UseRouting();
        _app.UseCors();
        _app.UseAuthentication();
        _app.UseAuthorization();
        _app.MapGet("/comet.js", () => Results.File(Path.Combine(AppContext.BaseDirectory, "comet.js"), "text/javascript"));
        _app.MapControllers();
        _app.Start();
        Url = _app.Urls.Single();
    }

    /// <summary>Without a slash at the end.</summary>
    internal string Url { get; }

    /// <summary>How many streams the site is sending.</summary>
    internal int OpenStreams() => _app.Services.GetRequiredService<OpenStreams>().Count;

    internal Desk Desk => _app.Services.GetRequiredService<Desk>();

    /// <summary>Publishes a text, and returns its id.</summary>
    internal async Task<string> PublishAsync(string text) =>
        (await _app.Services.GetRequiredService<Feed<News>>().PublishAsync(new News(text))).ToString();

    /// <summary>Publishes the numbers of a range, a few milliseconds apart.</summary>
    internal async Task PublishAsync(IEnumerable<int> numbers)
    {
        foreach (var number in numbers)
        {
            await PublishAsync($"{number}");
            await Task.Delay(5);
        }
    }

    /// <summary>Stops as an app does that is asked to: open streams are told.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
