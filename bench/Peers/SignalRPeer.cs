using Microsoft.AspNetCore.SignalR;

namespace CometBench.Peers;

/// <summary>SignalR, JSON protocol. The client chooses the transport.</summary>
internal static class SignalRPeer
{
    internal static void Map(WebApplication app)
    {
        app.MapHub<PushHub>("/sub");
        app.MapControls("/pub", async (context, message) =>
            await context.RequestServices.GetRequiredService<IHubContext<PushHub>>().Clients.All.SendAsync("message", message));
    }

    private sealed class PushHub : Hub;
}
