CREATE TABLE "auth_user" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "password" varchar(128) NOT NULL, "last_login" datetime NULL, "is_superuser" bool NOT NULL, "username" varchar(150) NOT NULL UNIQUE, "last_name" varchar(150) NOT NULL, "email" varchar(254) NOT NULL, "is_staff" bool NOT NULL, "is_active" bool NOT NULL, "date_joined" datetime NOT NULL, "first_name" varchar(150) NOT NULL);
INSERT INTO "auth_user" VALUES(1,'',NULL,0,'alice','','alice@example.org',0,1,'2026-11-30 04:42:22.942097','');
INSERT INTO "auth_user" VALUES(2,'',NULL,0,'bob','','bob@example.org',0,1,'2026-11-30 04:42:22.958289','');
CREATE TABLE "authtoken_token" ("key" varchar(40) NOT NULL PRIMARY KEY, "created" datetime NOT NULL, "user_id" integer NOT NULL UNIQUE REFERENCES "auth_user" ("id") DEFERRABLE INITIALLY DEFERRED);
INSERT INTO "authtoken_token" VALUES('8a46fbf1c1211ac5de0bbf837005ce240ec2b2c2','2026-11-30 04:42:22.951774',1);
INSERT INTO "authtoken_token" VALUES('f176fc5bcb6a894282d5bdfb00fc194b263b8e28','2026-11-30 04:42:22.963682',2);
