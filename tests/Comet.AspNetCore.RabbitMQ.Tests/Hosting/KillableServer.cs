using System.Diagnostics;
using Comet.AspNetCore.Stores;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.RabbitMQ.Tests.Hosting;

/// <summary>
/// A server in a process of its own: <c>/</c> streams feeds of a family of numbers, and <c>/{key}/{number}</c> publishes one.
/// </summary>
internal sealed class KillableServer : IAsyncDisposable
{
    internal const string Command = "serve";

    private readonly Process _process;

    private KillableServer(Process process, Uri url) => (_process, Url) = (process, url);

    internal Uri Url { get; }

    internal static async Task<KillableServer> StartAsync(string connectionString, string family)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(KillableServer).Assembly.Location, Command, connectionString, family])
        {
            RedirectStandardInput = true, // which is closed when this process ends, however it does
            RedirectStandardOutput = true,
        };
        var process = Process.Start(start)!;
        try
        {
            var url = await process.StandardOutput.ReadLineAsync().WithPatience();
            return new KillableServer(process, new Uri(url ?? throw new InvalidOperationException("The server has not started.")));
        }
        catch
        {
            process.Kill();
            process.Dispose();
            throw;
        }
    }

    /// <summary>Ends it as <c>kill -9</c> does.</summary>
    internal async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
    }

    /// <summary>Serves until standard input is closed.</summary>
    internal static async Task<int> ServeAsync(string connectionString, string family)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
        builder.WebHost.UseUrls("http://127.0.0.1:0").UseCometTransport();
        builder.Logging.ClearProviders();
        builder.Services.AddComet(static options => (options.MaxStreams, options.MaxStreamsPerAddress) = (null, null));
        builder.Services.AddKeyedFeeds<int>(family);
        builder.Services.AddCometRabbitMQ(options => options.ConnectionString = connectionString);
        await using var app = builder.Build();
        var feeds = app.Services.GetRequiredService<KeyedFeeds<int>>();
        app.MapPost("/", () => CometResults.Feeds([feeds.Where(static _ => true)], "parent.f"));
        app.MapPost("/{key}/{number:int}", async Task<IResult> (string key, int number) =>
        {
            try
            {
                return TypedResults.Text((await feeds.Get(key).PublishAsync(number)).Offset.ToString());
            }
            catch (FeedUnavailableException)
            {
                return TypedResults.StatusCode(StatusCodes.Status503ServiceUnavailable);
            }
        });
        await app.StartAsync();
        Console.WriteLine(app.Urls.Single());
        await Console.In.ReadToEndAsync();
        return 0;
    }
}
