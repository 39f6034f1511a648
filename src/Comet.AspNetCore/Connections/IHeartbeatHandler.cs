namespace Comet.AspNetCore.Connections;

/// <summary>Something with open streams, which checks their deadlines at each beat of <see cref="ConnectionHeartbeat"/>.</summary>
internal interface IHeartbeatHandler
{
    void OnHeartbeat();
}
