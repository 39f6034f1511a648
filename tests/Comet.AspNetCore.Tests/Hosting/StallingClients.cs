using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Tests.Hosting;

/// <summary>
/// Clients that read nothing for as long as their test takes, on a loaded machine too. The system ends their connections after three
/// heartbeats, or the write timeout, whichever is longer: by its own clock, whatever the app's does.
/// </summary>
internal static class StallingClients
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    internal static void AllowStalling(this WebApplicationBuilder builder) => builder.Configuration["Comet:Heartbeat"] = $"{Patience}";

    internal static void AssertMayStall(IServiceProvider services)
    {
        var options = services.GetRequiredService<IOptions<CometOptions>>().Value;
        Assert.True(
            options.Heartbeat >= Patience || options.WriteTimeout >= Patience,
            $"The system may end the connection of a client that does not read in the midst of the test: call {nameof(AllowStalling)}().");
    }
}
