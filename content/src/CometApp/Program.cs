using Comet.AspNetCore;
using CometApp.Controllers;
using CometApp.Feeds;
using CometApp.Models;
using CometApp.Security;
#if (Otlp)
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
#endif

// Wherever the app is started, its settings and files are beside wwwroot: in its own folder or, until it is published, its project's.
var folder = AppContext.BaseDirectory;
while (folder is not null && !Directory.Exists(Path.Combine(folder, "wwwroot")))
{
    folder = Path.GetDirectoryName(folder);
}
Directory.SetCurrentDirectory(folder ?? "."); // the content root, unless who starts it names another
var builder = WebApplication.CreateBuilder(args);

#if (RazorRuntimeCompilation)
var mvc = builder.Services.AddControllersWithViews();
//-:cnd:noEmit
#if DEBUG
mvc.AddRazorRuntimeCompilation();
#endif
//+:cnd:noEmit
#else
builder.Services.AddControllersWithViews();
#endif
builder.Services.AddSecurityHeaders();
builder.Services.AddFormProtection();
builder.Services.AddPageConventions();
// The files of the library are in its package until the app is published.
builder.WebHost.UseStaticWebAssets();
builder.WebHost.UseCometTransport();
builder.Services.AddComet();
#if (Sqlite)
builder.Services.AddCometSqlite();
#endif
#if (RabbitMQ)
builder.Services.AddCometRabbitMQ();
#endif
builder.Services.AddFeed<Vitals>("vitals", feed =>
{
    feed.Retain = VitalsSampler.Kept;
    feed.WhenSlow = SlowClientPolicy.Latest;
    feed.InMemory = true;
});
builder.Services.AddFeed<Announcement>("announcements", feed => feed.RetainFor = TimeSpan.FromDays(7));
builder.Services.AddSingleton<Clock>();
builder.Services.AddHostedService<VitalsSampler>();
#if (Otlp)
builder.Services.AddOpenTelemetry()
    .ConfigureResource(resource => resource.AddService(builder.Environment.ApplicationName).AddEnvironmentVariableDetector())
    .WithMetrics(metrics => metrics.AddAspNetCoreInstrumentation().AddMeter("Comet.AspNetCore", "System.Runtime"))
    .WithTracing(traces => traces.AddAspNetCoreInstrumentation().AddSource("Comet.AspNetCore"))
    .UseOtlpExporter();
#endif

var app = builder.Build();

app.UseSecurityHeaders();
app.UseExceptionHandler("/error/500");
app.UseStatusCodePagesWithReExecute("/error/{0}");
#if (!NoHttps)
if (!app.Environment.IsDevelopment())
{
    app.UseHsts();
    app.UseHttpsRedirection();
}
#endif
app.UseRouting();
app.UseAuthorization();
app.UseRateLimiter();
app.MapStaticAssets();
app.MapControllers().WithHead().WithoutOutputCache();
app.MapHealthChecks("/health/live", new() { Predicate = _ => false }).WithoutOutputCache();
app.MapHealthChecks("/health/ready", new() { Predicate = check => check.Tags.Contains("ready") }).WithoutOutputCache();
app.MapCometDebugPage(); // /_comet, in Development only

app.Run();
