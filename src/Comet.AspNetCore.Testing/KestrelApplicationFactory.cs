using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.Hosting;

namespace Comet.AspNetCore.Testing;

/// <summary>
/// Runs an app in the test's process on a real Kestrel, on a free port of the loopback address, so that a browser can open its pages.
/// Override <c>ConfigureWebHost</c> to change settings or replace services.
/// </summary>
/// <typeparam name="TEntryPoint">A type in the app's assembly; usually <c>Program</c>.</typeparam>
/// <remarks>
/// The app runs in the environment Development and logs warnings and errors only, unless <c>ConfigureWebHost</c> sets
/// <c>Logging:LogLevel:Default</c>.
/// It starts when it is first used, and stops when the factory is disposed. <see cref="Url"/> may be used by several tests at once.
/// </remarks>
public class KestrelApplicationFactory<TEntryPoint> : WebApplicationFactory<TEntryPoint>
    where TEntryPoint : class
{
    private readonly Lazy<string> _url;

    /// <summary>Prepares the app; nothing starts yet.</summary>
    public KestrelApplicationFactory()
    {
        UseKestrel();
        _url = new(() =>
        {
            StartServer();
            return ClientOptions.BaseAddress.ToString().TrimEnd('/');
        });
    }

    /// <summary>
    /// Where the app answers: <c>http://127.0.0.1:</c> and a port, without a slash at the end. The first use starts the app.
    /// </summary>
    /// <exception cref="InvalidOperationException">The app cannot be started.</exception>
    public string Url => _url.Value;

    /// <inheritdoc/>
    protected override IHost CreateHost(IHostBuilder builder)
    {
        // What ConfigureWebHost has set is already there, and wins over what comes first.
        builder.ConfigureHostConfiguration(configuration => configuration.Sources.Insert(0, new MemoryConfigurationSource
        {
            InitialData = new Dictionary<string, string?>
            {
                // Given to UseKestrel, a port is set when the server may already have started.
                ["urls"] = "http://127.0.0.1:0",
                ["Logging:LogLevel:Default"] = "Warning",
            },
        }));
        return base.CreateHost(builder);
    }
}
